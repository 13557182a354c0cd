/* service/members.h: one member: what is read of it, and what an administrator does to it. */
#ifndef SERVICE_MEMBERS_H
#define SERVICE_MEMBERS_H

#include "base/json.h"
#include "engine/state.h"
#include "service/service.h"
#include "service/write.h"

/* A key without a state row is not yet a member: P_MEMBER_NOT_FOUND; an erased one too. */
struct member_found {
    member_no no;
    struct str external_id;
    uint8_t sealing_key[SEAL_KEY_BYTES];
    struct member_state *state;
    const struct program *program; /* of the tenant's present version */
};
MUST_CHECK enum problem member_find(struct service *s, struct arena *a, const struct tenant_row *t, struct str external_id, struct member_found *out,
                                    struct faults *f);

/* JSON answers of the routes (DESIGN 13, SEMANTICS 18–21). now_ms decides what "today" is. */
MUST_CHECK enum problem member_points(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, int64_t now_ms, struct str *out, struct faults *f);
MUST_CHECK enum problem member_levels(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, struct str *out, struct faults *f);
struct transactions_query {
    struct str currency; /* "" : all */
    uint32_t kinds;      /* bits 1 << kind, 0: all */
    int64_t from_ms, to_ms; /* [from, to); INT64_MIN, INT64_MAX where not given */
    size_t limit;
    struct str cursor;   /* "" : from the newest; P_CURSOR where it is not ours */
};
MUST_CHECK enum problem member_transactions(struct service *s, struct arena *a, const struct tenant_row *t, struct str member,
                                            const struct transactions_query *q, struct str *out, struct faults *f);

/* POST …/adjustments with its Idempotency-Key (SEMANTICS 8, 40): exactly once, replayed within 48 h. */
struct adjustment_in { struct str currency; int64_t amount; struct str reason, actor; };
MUST_CHECK enum problem member_adjust(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, const struct adjustment_in *in,
                                      const struct write_key *key, int64_t now_ms, struct write_answer *out, struct faults *f);

/* Administration (the command, later routes). Absent fields are left as they are; the member is created where it does not exist. */
struct member_set {
    bool has_type, has_attributes, has_groups, has_display_name, has_zone;
    struct str type, display_name, zone; /* type "" and zone "" remove */
    const struct json *attributes, *groups; /* objects; groups: {"team":["red"]} */
};
MUST_CHECK enum problem member_write(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, const struct member_set *set, int64_t now_ms, struct faults *f);
MUST_CHECK enum problem member_suspend(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, bool suspended, int64_t now_ms, struct faults *f);
/* SEMANTICS 39. Destroys sealing key, external id, profile; the ledger stays under the member number. */
MUST_CHECK enum problem member_erase(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, int64_t now_ms, struct faults *f);
/* Everything of the state row as JSON, for the command. */
MUST_CHECK enum problem member_show(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, int64_t now_ms, struct str *out, struct faults *f);

#endif
