/* http/request.h: a request as the rooms above the transport see it, and its answer. Both live in the request's arena. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "base/json.h"
#include "base/problem.h"
#include "service/keys.h"

enum method { METHOD_GET = 1, METHOD_POST = 2, METHOD_PUT = 4, METHOD_PATCH = 8, METHOD_DELETE = 16 };
const char *method_name(enum method m);

enum { PARAMS_MAX = 4 };

struct route;
struct request {
    struct arena *arena;
    /* as received */
    enum method method;          /* 0: one that no route takes */
    struct str uri;              /* raw REQUEST_URI: path and query, percent-encoded */
    struct str content_type, authorization, idempotency_key, if_match, traceparent, request_id;
    struct str body;
    bool body_too_large;         /* read to its end and thrown away */
    bool admin_listener;         /* came by the private listener: /healthz, /readyz */
    int64_t arrived_us;          /* clock_monotonic_us */
    /* found by the phases */
    const struct route *route;
    struct str path;             /* raw, without the query */
    struct str params[PARAMS_MAX]; /* {…} of the pattern, decoded, in order */
    struct str query;            /* raw, after '?' */
    struct credential who;
    struct json json;            /* the parsed body, where the route has one */
    void *shaped;                /* the filled struct of route->body */
    struct faults faults;
};

struct response {
    int status;
    struct str body;
    const char *content_type;    /* NULL: application/json */
    struct str etag, location;
    bool replayed;               /* Idempotency-Replayed: true */
    struct str allow;            /* of 405 */
    enum problem problem;        /* for the log */
};

/* The value of a query parameter, decoded; false: absent. Repeated or undecodable parameters are P_BAD_REQUEST faults of query_check. */
bool query_get(struct request *r, const char *name, struct str *out);
/* Every parameter must be one of the names (NULL-terminated), at most once, and decodable. */
MUST_CHECK enum problem query_check(struct request *r, const char *const *names);

#endif
