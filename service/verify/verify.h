/* service/verify/verify.h: proves invariants 1, 2, 3, 10 and the lanes on the database as it stands, while everything runs (MECHANICS 3).
 */
#ifndef SERVICE_VERIFY_VERIFY_H
#define SERVICE_VERIFY_VERIFY_H

#include "service/service.h"

enum { VIOLATIONS_MAX = 1000 }; /* kept; a lost key would make one of each entry */

struct violation {
    int invariant;     /* 1, 2, 3, 10; 0: the lanes */
    struct str tenant; /* code, "" for lanes */
    struct str where;  /* "member 123 currency points part available seq 7" */
    struct str what;   /* what is there and what should be */
};
struct verify_report {
    uint64_t tenants, members, wallets, entries, outcomes, identities, lanes, counters;
    uint64_t uncounted; /* members whose first outcomes are no longer kept: their counters could not be recounted */
    uint64_t more;      /* violations beyond VIOLATIONS_MAX */
    LIST(struct violation) violations;
};
struct verify_options {
    tenant_id tenant; /* 0: all */
    bool own;         /* of that one only what is its own: the lanes are not read, and what they add to the roll-ups is taken from its
                         members' outcomes */
    void (*progress)(void *ctx, const char *phase, uint64_t done, uint64_t of); /* NULL: none; `of` is an estimate, 0: unknown */
    void *ctx;
};
/* Reads only. P_OK with violations in the report; a problem: it could not be read to the end. Lanes are read whole, or not at all. */
MUST_CHECK enum problem verify_run(struct service *s, struct arena *a, const struct verify_options *o, struct verify_report *out,
                                   struct faults *f);

#endif
