/* sql/directory.h: pages of a tenant's members for lists, and who is in a group. */
#ifndef SQL_DIRECTORY_H
#define SQL_DIRECTORY_H

#include "sql/members.h"

/* Keys in use, by external id, bytewise: those that begin with `prefix` and come after `after` ("": from the first). */
struct listed_key {
    struct str external_id;
    member_no member;
};
enum db_result member_keys_page(struct db *db, struct arena *a, tenant_id t, struct str prefix, struct str after, size_t limit,
                                struct listed_key **out, size_t *n_out);

/* Profiles by member number, after `after`: all of the tenant's, or those of one type, status or group. */
struct profiles_of {
    enum { PROFILES_ALL, PROFILES_TYPE, PROFILES_STATUS, PROFILES_GROUP } what;
    struct str type;
    enum member_status status;
    struct str kind, code; /* of the group */
    struct str part;       /* of a display name, "" any: case and accents do not matter */
};
struct listed_profile {
    struct profile_row profile;
    bool name_fits;
};
enum db_result profiles_page(struct db *db, struct arena *a, tenant_id t, const struct profiles_of *of, member_no after, size_t limit,
                             struct listed_profile **out, size_t *n_out);

/* Replaces the groups of a member; no duplicates. */
struct group_ref {
    struct str kind, code;
};
enum db_result member_groups_write(struct db *db, struct arena *a, struct member_ref m, const struct group_ref *groups, size_t n);

#endif
