/* service/people.h: what dashboards ask about members: lists, profiles, events, why a rule pays. JSON answers of the routes. */
#ifndef SERVICE_PEOPLE_H
#define SERVICE_PEOPLE_H

#include "service/members.h"

struct member_query {
    struct str search; /* "" any: the id begins with it, or the display name has it, whatever its case and accents */
    struct str type;   /* "" any */
    bool has_status;
    enum member_status status;
    struct str attribute, value; /* "" any: a path in the attributes, and the text, number or truth value there, or in the list there */
    struct str kind, code;       /* "" any: of a group */
    size_t limit;
    struct str cursor; /* "" from the first; P_CURSOR where it is not one of such a list */
    int64_t now_ms;
};
/* {"data":[…],"next_cursor"}: members as member_get gives them, each once. By id, bytewise; where a filter goes along another index, in an
 * order that stays as it is. A page may have fewer members than asked for, and still a next one: what one page looks through is bounded. */
MUST_CHECK enum problem member_list(struct service *s, struct arena *a, const struct tenant_row *t, const struct member_query *q,
                                    struct str *out, struct faults *f);

/* The member as member_get gives it, with "points", "levels" and "privileges" of all ladders, as /points and /levels have them. */
MUST_CHECK enum problem member_profile(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, int64_t now_ms,
                                       struct str *out, struct faults *f);

/* {"data":[{"event":{"source","id","type","time","data","context"},"settled_at","outcome":{…}}…],"next_cursor"}, newest first. */
MUST_CHECK enum problem member_events(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, size_t limit,
                                      struct str cursor, struct str *out, struct faults *f);

struct why_query {
    struct str rule;
    int64_t time_ms;         /* of the event that is thought of */
    struct str type;         /* "" any of the rule's */
    const struct json *data; /* an object; NULL: any */
    int64_t now_ms;
};
/* {"member","rule","at","config_version","would_pay","next_at","checks":[…],"last_paid_at","last_paid_unknown_before"} (A16).
 * P_NOT_FOUND: no such rule. */
MUST_CHECK enum problem member_why(struct service *s, struct arena *a, const struct tenant_row *t, struct str member,
                                   const struct why_query *q, struct str *out, struct faults *f);

#endif
