/* service/members.h: one member: what is read of it, and what an administrator does to it. */
#ifndef SERVICE_MEMBERS_H
#define SERVICE_MEMBERS_H

#include "base/json.h"
#include "engine/state.h"
#include "service/service.h"
#include "service/write.h"
#include "sql/members.h"

/* A key without a state row is not yet a member: P_MEMBER_NOT_FOUND; an erased one too. */
struct member_found {
    member_no no;
    struct str external_id;
    uint8_t sealing_key[SEAL_KEY_BYTES];
    uint32_t sum; /* of the state row as stored (sql/members.h) */
    struct member_state *state;
    const struct program *program; /* of the tenant's present version */
};
MUST_CHECK enum problem member_find(struct service *s, struct arena *a, const struct tenant_row *t, struct str external_id,
                                    struct member_found *out, struct faults *f);
/* The same with the profile, both of one moment: attributes and groups of the state are set. Never taken from what is read ahead. */
MUST_CHECK enum problem member_find_whole(struct service *s, struct arena *a, const struct tenant_row *t, struct str external_id,
                                          struct member_found *out, struct str *display_name, struct faults *f);
/* Reads the members of several requests in one statement: until they are forgotten, member_find takes them from there, each once. To be
 * forgotten before anything is written. Where it fails, or a member is not there, member_find asks by itself, and says so. */
void members_ahead(struct service *s, struct arena *a, const struct member_name *asked, size_t n);
void members_ahead_forget(struct service *s);

/* JSON answers of the routes (DESIGN 13, SEMANTICS 18–21). now_ms decides what "today" is. */
MUST_CHECK enum problem member_points(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, int64_t now_ms,
                                      struct str *out, struct faults *f);
MUST_CHECK enum problem member_levels(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, struct str *out,
                                      struct faults *f);
struct transactions_query {
    struct str currency;    /* "" : all */
    uint32_t kinds;         /* bits 1 << kind, 0: all */
    int64_t from_ms, to_ms; /* [from, to); INT64_MIN, INT64_MAX where not given */
    size_t limit;
    struct str cursor; /* "" : from the newest; P_CURSOR where it is not ours */
};
MUST_CHECK enum problem member_transactions(struct service *s, struct arena *a, const struct tenant_row *t, struct str member,
                                            const struct transactions_query *q, struct str *out, struct faults *f);

/* POST …/adjustments with its Idempotency-Key (SEMANTICS 8, 40): exactly once, replayed within 48 h. */
struct adjustment_in {
    struct str currency;
    int64_t amount;
    struct str reason, actor;
};
MUST_CHECK enum problem member_adjust(struct service *s, struct arena *a, const struct tenant_row *t, struct str member,
                                      const struct adjustment_in *in, const struct write_key *key, int64_t now_ms, struct write_answer *out,
                                      struct faults *f);

/* ---- administration: by the command and by routes, each with a line in the audit log ---- */

struct member_match { /* what If-Match says: the change is for a member whose member_get has one of these ETags */
    bool any;         /* "*": whichever it has */
    const struct str *etags;
    size_t n;
};
struct member_by {               /* who changes a member */
    struct str actor;            /* key id, or "command" */
    const struct write_key *key; /* NULL: none was sent */
    int64_t now_ms;
    const struct member_match *match; /* NULL: however it is; else P_VERSION where it does not match */
};
enum member_how {
    MEMBER_CREATE,  /* P_MEMBER_EXISTS where there is one */
    MEMBER_REPLACE, /* makes or replaces it: what is absent is removed. With a match nothing is made: P_VERSION where there is none */
    MEMBER_MERGE,   /* P_MEMBER_NOT_FOUND where there is none; absent fields stay, objects are merged (RFC 7396) */
    MEMBER_SET,     /* makes it where there is none; absent fields stay, objects are replaced */
};
struct member_set {
    bool has_type, has_attributes, has_groups, has_display_name, has_zone;
    struct str type, display_name, zone;    /* "" removes */
    const struct json *attributes, *groups; /* objects, NULL removes; groups: {"team":["red"]}, with MEMBER_MERGE null for a kind too */
};
/* The answers: 201 or 200 with the member, as member_get gives it. A member's first zone counts at once, another one from the next
 * midnight of the former (SEMANTICS 35). */
MUST_CHECK enum problem member_write(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, enum member_how how,
                                     const struct member_set *set, const struct member_by *by, struct write_answer *out, struct faults *f);
MUST_CHECK enum problem member_suspend(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, bool suspended,
                                       const struct member_by *by, struct write_answer *out, struct faults *f);
/* SEMANTICS 39. Destroys sealing key, external id, profile; the ledger stays under the member number. The answer: 204. */
MUST_CHECK enum problem member_erase(struct service *s, struct arena *a, const struct tenant_row *t, struct str member,
                                     const struct member_by *by, struct write_answer *out, struct faults *f);
/* Whether the value names groups: an object of kinds with lists of codes (nulls: or null), GROUPS_PER_MEMBER_MAX in all. Adds each fault.
 */
bool member_groups_are_valid(struct arena *a, const struct json *groups, bool nulls, struct str pointer, struct faults *f);

/* {"member","status","type","display_name","zone","zone_from","attributes","groups"} */
MUST_CHECK enum problem member_get(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, int64_t now_ms,
                                   struct str *out, struct faults *f);
/* Everything of the state row as JSON, for the command. */
MUST_CHECK enum problem member_show(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, int64_t now_ms,
                                    struct str *out, struct faults *f);

#endif
