/* http/route.h: one row per route declares everything the front door needs; the dispatcher enforces the row, a handler never asks.
 * The table itself is handlers/routes.c; here it is an argument. */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "base/shape.h"
#include "http/request.h"
#include "service/items.h"

enum etag_form {
    ETAG_NONE,
    ETAG_VERSION, /* strong: the handler gives it, the version of a configuration */
    ETAG_EXACT,   /* strong: made of the body */
    ETAG_BODY,    /* weak: made of the body */
};
enum idempotency { IDEMPOTENCY_NONE, IDEMPOTENCY_OPTIONAL, IDEMPOTENCY_REQUIRED };

/* The items of one request on their way through a set. */
struct work {
    struct request *request;
    struct item *items; /* in the order of the request */
    size_t n;
    bool array; /* the answer is a list */
};

struct route {
    enum method method;
    const char *pattern;      /* "/v1/members/{member}/points"; every {…} is a public id */
    const char *name;         /* operationId: unique, snake_case; what the log shows */
    uint32_t scope;           /* one bit of enum scope; SCOPE_NONE only for the process routes */
    enum rate rate;           /* the limit that its requests count against; that of a member token counts besides */
    bool admin;               /* only by the private listener */
    bool operators_too;       /* an operator's key may use it as well, for what is the operators' own */
    bool self;                /* a member token may use it as well, where {member} is "me", which then stands for the token's member */
    size_t body_max;          /* 0: no body; a write with one other than {} is refused */
    bool body_optional;       /* an absent body is {} */
    const struct shape *body; /* checked and filled before the handler; NULL: the handler reads request->json itself */
    bool cloudevents;         /* takes the media types of CloudEvents as well */
    bool merge_patch;         /* takes application/merge-patch+json as well (RFC 7396) */
    enum idempotency idempotency;
    enum etag_form etag;     /* of a GET: If-None-Match that names it is answered by 304, If-Match that does not by 412 */
    enum etag_form if_match; /* of others: what their If-Match names, which the handler compares; ETAG_NONE: they are refused with one */
    bool now;                /* a GET whose answer hangs on the configuration of this very moment */
    bool glance; /* a GET that reads the one member {member} and little else: those that wait together go first, and read at once */
    bool write;  /* keys are read from the database now; reads may use a record of KEY_STALE_MS */
    const char *const *query; /* names of the query parameters, NULL-terminated; NULL: none */
    /* either */
    void (*handle)(struct service *s, struct request *r, struct response *out); /* a problem: problem_answer */
    /* or: request → items of work, settled items → answer */
    enum problem (*collect)(struct request *r, struct work *w); /* items allocated in r->arena; a problem refuses the request */
    void (*answer)(struct work *w, struct response *out);
};
struct route_table {
    const struct route *rows;
    size_t n;
};
/* Whether the rows agree with themselves and each other (names, patterns, scopes, bodies, keys, functions); *why is the first that
 * does not. Asked at every start. */
MUST_CHECK bool routes_check(const struct route_table *table, const char **why);

/* Finds the row of method and path: fills route, path, query and params of the request. P_URI_TOO_LONG, P_BAD_REQUEST (an escape that
 * does not decode), P_NOT_FOUND, P_METHOD (*allow lists those that the address takes). */
MUST_CHECK enum problem route_match(const struct route_table *table, struct request *r, struct str *allow);
/* Percent-decodes one path segment: false for bad escapes, NUL, invalid UTF-8. */
MUST_CHECK bool segment_decode(struct arena *a, struct str raw, struct str *out);

/* ---- http/serve.c: the phases over an array of requests ----
 * match → authenticate → authorise → rate limit → query, header fields, body, shape → handle, or collect → settle as one set → answer.
 * Refusals are answered first, then what is a glance, then what else has a handler, then the set of all single items, then the arrays,
 * one by one. */
struct serving {
    struct service *service;
    const struct route_table *table;
    struct arena *arena; /* of the set */
    struct request *const *requests;
    struct response *responses; /* zeroed; one for each request */
    size_t n;
    size_t n_items;                                  /* out: what was settled */
    void (*answered)(struct serving *set, size_t i); /* called once for each request, as soon as its response stands; NULL: not */
    void *ctx;                                       /* for `answered` */
};
void serve(struct serving *set); /* never fails as a whole */
/* Whether a request that is not served yet is for a route that is marked so. */
MUST_CHECK bool serve_is_glance(struct service *s, const struct route_table *table, struct request *r);

/* The one writer of problems: application/problem+json with type, title, status, detail, code, errors, request_id, and what the
 * faults add. */
void problem_answer(struct request *r, enum problem p, struct response *out);
/* The same as a value inside an array's answer: {"status":"rejected","problem":{…}}. Pointers get the item's place in front. */
struct str problem_item(struct request *r, size_t index, enum problem p, const struct faults *f);

/* An Idempotency-Key of the request as the scope of a write; route, path and body are in its fingerprint (SEMANTICS 8). */
struct write_key request_write_key(struct service *s, const struct request *r);

#endif
