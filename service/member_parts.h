/* service/member_parts.h: parts of the answers about members, for the files of service/. */
#ifndef SERVICE_MEMBER_PARTS_H
#define SERVICE_MEMBER_PARTS_H

#include "service/members.h"

enum problem member_unknown(struct faults *f, struct str external_id); /* P_MEMBER_NOT_FOUND, said */
const char *member_status_name(enum member_status s);
MUST_CHECK bool member_status_of(struct str name, enum member_status *out); /* active or suspended */

/* The members of one object, which is open: "member", "status", "type", "display_name", "zone", "zone_from", "attributes", "groups". The
 * state has its zones and the profile's attributes and groups. */
void member_put(struct json_writer *w, struct str external_id, const struct member_state *state, struct str display_name, int64_t now_ms);
/* What dashboards show of a member, as JSON: the arrays of /points and /levels. */
struct member_parts {
    struct str currencies, levels;
    int64_t from_ms, until_ms; /* [from, until): when another moment would show the same, if the member stays as it is */
};
struct member_parts member_parts_new(void); /* without texts, for all times */
MUST_CHECK enum db_result member_currencies(struct service *s, struct arena *a, const struct member_found *m, int64_t now_ms,
                                            struct member_parts *out);
void member_ladders(struct arena *a, const struct member_found *m, struct member_parts *out);

#endif
