/* sql/members.h: members: keys, state rows, profiles, closed periods, payments. Everything of a member but a new member_key is
 * written under the lock that states_lock takes (MECHANICS 2). */
#ifndef SQL_MEMBERS_H
#define SQL_MEMBERS_H

#include "engine/settle.h"
#include "engine/state.h"
#include "sql/db.h"

struct member_key_row {
    tenant_id tenant;
    struct str external_id; /* erased: "\0" and the member_no */
    member_no member;
    bool has_key;
    uint8_t sealing_key[SEAL_KEY_BYTES];
    enum member_status state; /* active, erased, merged: the key's own state; suspension is in the state row */
};
/* Pairs of (tenant, external id), any order, no duplicates; rows come back in any order, missing ones do not. */
enum db_result member_keys_find(struct db *db, struct arena *a, const struct member_key_row *wanted, size_t n, struct member_key_row **out,
                                size_t *n_out);
/* In a transaction of its own, sorted by (tenant, external id); rows that exist by now are left alone: read them back. */
enum db_result member_keys_insert(struct db *db, struct arena *a, const struct member_key_row *rows, size_t n);
enum db_result member_keys_by_no(struct db *db, struct arena *a, tenant_id t, const member_no *nos, size_t n, struct member_key_row **out,
                                 size_t *n_out);
enum db_result member_key_erase(struct db *db, struct arena *a, tenant_id t, member_no m);

struct member_ref {
    tenant_id tenant;
    member_no member;
};
/* Creates, locks and bumps, in the order given: sorted by (tenant, member), no duplicates (MUST). Its version value only locks. */
enum db_result states_lock(struct db *db, struct arena *a, const struct member_ref *m, size_t n);
/* Outside a transaction: DB_BUSY where somebody else holds the lock at this moment. Nobody is waited for, nothing stays locked. */
enum db_result state_try_lock(struct db *db, struct arena *a, struct member_ref m);
/* The rows as they stand; DB_OK with fewer rows than asked where some are missing. `version` is the stored one. With the lock held it
 * is one more than the last outcome's. Zone pointers, closed periods and profiles are the caller's. */
enum db_result states_load(struct db *db, struct arena *a, const struct member_ref *m, size_t n, struct member_state **out, size_t *n_out);
/* Members by their external ids, in one statement. */
struct member_name {
    tenant_id tenant;
    struct str external_id;
};
struct member_row {
    struct member_name name;
    uint8_t sealing_key[SEAL_KEY_BYTES];
    uint64_t config_version;    /* the tenant's, of the same moment */
    uint32_t sum;               /* of the state as stored: the same version in a database that was set back has another */
    struct member_state *state; /* as states_load gives it */
};
/* Rows come back in any order, one for a name that was asked twice; no row: no member, or one without a state row, or an erased one. */
enum db_result members_load(struct db *db, struct arena *a, const struct member_name *wanted, size_t n, struct member_row **out,
                            size_t *n_out);
/* Writes version, hot, and cold where dirty: one statement for all rows (cold may be written unchanged in a mixed set). */
enum db_result states_write(struct db *db, struct arena *a, const struct member_state *const *s, size_t n);

struct closed_row {
    struct member_ref m;
    struct closed_period period;
};
enum db_result closed_load(struct db *db, struct arena *a, const struct closed_row *wanted, size_t n, struct closed_row **out,
                           size_t *n_out);
enum db_result closed_write(struct db *db, struct arena *a, const struct closed_row *rows, size_t n);

struct payment_row {
    struct member_ref m;
    uint16_t rule;
    int64_t time_ms;
};
struct payment_range {
    struct member_ref m;
    struct payment_need need;
};
enum db_result payments_load(struct db *db, struct arena *a, const struct payment_range *wanted, size_t n, struct payment_row **out,
                             size_t *n_out);
enum db_result payments_insert(struct db *db, struct arena *a, const struct payment_row *rows, size_t n); /* a duplicate is one row */
enum db_result payments_purge(struct db *db, struct arena *a, tenant_id t, int64_t before_ms, size_t limit, uint64_t *n_out);

struct profile_row {
    struct member_ref m;
    struct str display_name, attributes, groups; /* the last two JSON objects as text, "" none */
    struct str type;                             /* copies of the state row's, for lists */
    enum member_status status;
};
struct profile_row profile_read(struct call *c); /* the columns of one row of a result; for sql/ alone */
enum db_result profiles_load(struct db *db, struct arena *a, const struct member_ref *m, size_t n, struct profile_row **out, size_t *n_out);
/* One member with its profile, both of one moment (all "" where it has none; type and status are in the state); DB_NOT_FOUND. */
enum db_result member_load_whole(struct db *db, struct arena *a, const struct member_name *wanted, struct member_row *out,
                                 struct profile_row *profile);
enum db_result profile_write(struct db *db, struct arena *a, const struct profile_row *p);
enum db_result member_erase_rows(struct db *db, struct arena *a, struct member_ref m); /* profile, groups, payments, waiting events */

#endif
