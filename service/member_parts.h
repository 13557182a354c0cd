/* service/member_parts.h: parts of the answers about members, for the files of service/. */
#ifndef SERVICE_MEMBER_PARTS_H
#define SERVICE_MEMBER_PARTS_H

#include "service/members.h"

const char *member_status_name(enum member_status s);
MUST_CHECK bool member_status_of(struct str name, enum member_status *out); /* active or suspended */

/* The members of one object, which is open: "member", "status", "type", "display_name", "zone", "zone_from", "attributes", "groups". The
 * state has its zones and the profile's attributes and groups. */
void member_put(struct json_writer *w, struct str external_id, const struct member_state *state, struct str display_name, int64_t now_ms);
/* The arrays of /points and /levels. */
MUST_CHECK enum db_result member_put_currencies(struct service *s, struct arena *a, struct json_writer *w, const struct member_found *m,
                                                int64_t now_ms);
void member_put_ladders(struct arena *a, struct json_writer *w, const struct member_found *m);

#endif
