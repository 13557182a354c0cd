/* sql/proof.h: what `verify` and the roll-up read: rows as they lie there, also damaged ones, and the change log in its order. */
#ifndef SQL_PROOF_H
#define SQL_PROOF_H

#include "sql/events.h"
#include "sql/members.h"

struct state_text { /* a state row, not decoded */
    struct member_ref m;
    uint64_t version;
    struct str hot, cold;
};
/* Members of a tenant after `after`, ascending; damaged rows come too. */
enum db_result states_slice_text(struct db *db, struct arena *a, tenant_id t, member_no after, size_t limit, struct state_text **out,
                                 size_t *n_out);
struct closed_text {
    uint8_t kind; /* as stored: maybe no period_kind */
    int64_t start;
    struct str counters;
};
enum db_result closed_of_member_text(struct db *db, struct arena *a, struct member_ref m, struct closed_text **out, size_t *n_out);

/* Members of entries, and of outcomes, in (after, last], ascending, whether they have a state row or not. */
enum db_result members_with_entries(struct db *db, struct arena *a, tenant_id t, member_no after, member_no last, member_no **out,
                                    size_t *n_out);
enum db_result members_with_outcomes(struct db *db, struct arena *a, tenant_id t, member_no after, member_no last, member_no **out,
                                     size_t *n_out);
enum db_result members_with_payments(struct db *db, struct arena *a, tenant_id t, member_no after, member_no last, member_no **out,
                                     size_t *n_out);
/* All of one member, by rule and time. */
enum db_result payments_of_member(struct db *db, struct arena *a, struct member_ref m, struct rule_payment **out, size_t *n_out);

/* The outcomes of a member in order of their versions from *version on, about `limit` rows; *version becomes where to go on, 0: that was
 * all. Rows that share a version, which is what verify looks for, come together. */
enum db_result outcomes_of_member_from(struct db *db, struct arena *a, struct member_ref m, uint64_t *version, size_t limit,
                                       struct outcome_row **out, size_t *n_out);
/* Identities of a tenant in ascending order, after the given one; NULL: from the first. */
struct identity_text { /* an identity as it lies there: its day may not be that of its receipt */
    struct identity_row row;
    uint32_t received_day;
};
enum db_result identities_slice(struct db *db, struct arena *a, tenant_id t, const struct hash16 *after, size_t limit,
                                struct identity_text **out, size_t *n_out);

/* The rows of a lane and day with n > after_n, in order, without what is sealed. */
enum db_result lane_clear(struct db *db, struct arena *a, uint32_t day, uint16_t lane, uint64_t after_n, size_t limit,
                          struct outcome_row **out, size_t *n_out);
/* The next day and lane that have outcomes, after these; lanes ascend within a day. DB_NOT_FOUND: there are none. */
enum db_result stripe_next(struct db *db, struct arena *a, uint32_t *day, uint16_t *lane);

#endif
