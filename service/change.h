/* service/change.h: one change of one member outside events (adjustments, administration), exactly once: for the files of service/.
 *
 * One function takes the lock, and it is here or in set.c: idempotency key → member → its other rows → outcome → lane (MECHANICS 2).
 * `decide` must be repeatable: it may run again after a deadlock or a lost connection, with the state as it then is. */
#ifndef SERVICE_CHANGE_H
#define SERVICE_CHANGE_H

#include "engine/settle.h"
#include "service/members.h"
#include "sql/members.h"

struct change {
    /* in */
    struct service *s;
    struct arena *a;
    const struct tenant_row *tenant;
    struct str external_id;
    bool bare_key;               /* a key without a state row will do: to be forgotten */
    bool create;                 /* make the member where it does not exist; else P_MEMBER_NOT_FOUND */
    const struct write_key *key; /* NULL: no Idempotency-Key */
    int status;                  /* the answer's, stored with the key; decide may set another. 204: a repeat needs nothing but it */
    int64_t now_ms;
    struct str actor;          /* of the line in the audit log: key id, or "command" */
    struct str action, detail; /* "member.set" and JSON text; decide may set them. action "": no line */
    /* Under the lock: changes the state (version 0: the member is new), fills `outcome` and `sealed`; a problem rolls everything back. */
    enum problem (*decide)(struct change *c, struct faults *f);
    /* Other rows of the member, after its state and before the outcome; NULL: none. */
    enum db_result (*also)(struct change *c);
    void *ctx;
    /* for the callbacks, and out */
    struct member_ref ref;
    uint8_t sealing_key[SEAL_KEY_BYTES];
    const struct program *program;
    struct member_state *state;
    struct settle_env env;
    struct outcome outcome;
    struct sealed sealed;
    bool replayed; /* outcome and sealed are those of the first time */
};
MUST_CHECK enum problem change_member(struct change *c, struct faults *f);

/* The key row of a member by its external id: P_MEMBER_NOT_FOUND. */
MUST_CHECK enum problem member_key_find(struct service *s, struct arena *a, const struct tenant_row *t, struct str external_id,
                                        struct member_key_row *out, struct faults *f);

#endif
