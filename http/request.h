/* http/request.h: a request as the rooms above the transport see it, and its answer. Both live in the request's arena. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "base/json.h"
#include "base/problem.h"
#include "service/rates.h"

enum method { METHOD_GET = 1, METHOD_POST = 2, METHOD_PUT = 4, METHOD_PATCH = 8, METHOD_DELETE = 16 };
const char *method_name(enum method m);

enum { PARAMS_MAX = 4, QUERY_PARAMS_MAX = 16 };

struct query_param {
    struct str name, value; /* decoded */
};

enum { CE_FIELDS_MAX = 64 }; /* attributes of an event; the context has at most 4 KiB anyway */
struct ce_field {            /* a header field ce-… of a CloudEvent in binary mode */
    struct str name, value;  /* the name without "ce-", in small letters */
};
struct route;
struct request {
    struct arena *arena;
    /* as received */
    enum method method; /* 0: one that no route takes */
    struct str uri;     /* raw REQUEST_URI: path and query, percent-encoded */
    struct str content_type, content_encoding, authorization, idempotency_key, if_match, if_none_match, traceparent, request_id;
    unsigned n_keys, n_types, n_matches; /* how many header fields Idempotency-Key, Content-Type and If-Match came */
    LIST(struct ce_field) ce;
    struct str body;
    bool body_too_large; /* read to its end and thrown away */
    bool admin_listener; /* came by the private listener: /healthz, /readyz, /metrics */
    int64_t arrived_us;  /* clock_monotonic_us */
    /* found by the phases */
    uint64_t name;  /* what it is called in the page that workers share */
    bool alone;     /* a worker has died with it in hand */
    int64_t now_ms; /* the set's one reading of the clock */
    const struct route *route;
    struct str path;               /* raw, without the query */
    struct str params[PARAMS_MAX]; /* {…} of the pattern, decoded, in order */
    struct str query;              /* raw, after '?' */
    struct query_param query_params[QUERY_PARAMS_MAX];
    size_t n_query_params;
    struct credential who;
    struct rates_told rates; /* what is left of its limits, where it came so far */
    struct json json;        /* the parsed body, where the route has one */
    void *shaped;            /* the filled struct of route->body */
    member_no member;        /* whom it was about, where that is known without a further look-up; for the log */
    struct faults faults;
};

struct response {
    int status;
    struct str body;
    const char *content_type; /* NULL: application/json */
    bool replayed;            /* Idempotency-Replayed: true */
    struct str etag;          /* in its quotes */
    struct str allow;         /* of 405 */
    int64_t retry_after;      /* seconds, 0: none */
    enum problem problem;     /* for the log */
};

/* One parameter of the FastCGI environment, such as REQUEST_METHOD or HTTP_AUTHORIZATION; those that nobody needs are passed over. The
 * value is copied. */
void request_param(struct request *r, struct str name, struct str value);
/* After the last parameter: a request id that is not 1–64 of [A-Za-z0-9-] is replaced by one of our own, a traceparent that is not
 * one of W3C's by "". */
void request_ready(struct request *r);

/* Decodes the query: every parameter must be one of the names (NULL-terminated; NULL: none), at most once, and decodable:
 * P_BAD_REQUEST. A '+' is a plus: times are written with it, and no parameter holds a space. */
MUST_CHECK enum problem query_check(struct request *r, const char *const *names);
/* The value of a query parameter, decoded; false: absent. */
bool query_get(const struct request *r, const char *name, struct str *out);

/* The answer as it goes to the web server: header lines and body. */
struct str response_text(const struct request *r, const struct response *out);

#endif
