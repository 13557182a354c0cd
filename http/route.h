/* http/route.h: one row per route declares everything the front door needs; the dispatcher enforces the row, a handler never asks.
 * The table itself is handlers/routes.c. */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "base/shape.h"
#include "http/request.h"
#include "service/items.h"

enum idempotency { IDEMPOTENCY_NONE, IDEMPOTENCY_OPTIONAL, IDEMPOTENCY_REQUIRED };

/* The items of one request on their way through a set. */
struct work {
    struct request *request;
    struct item *items; /* in the order of the request */
    size_t n;
    bool array;         /* the answer is a list */
};

struct route {
    enum method method;
    const char *pattern;       /* "/v1/members/{member}/points" */
    const char *name;          /* operationId: unique, snake_case; what the log shows */
    uint32_t scope;            /* one bit of enum scope; SCOPE_NONE only for the process routes */
    bool admin;                /* only by the private listener */
    size_t body_max;           /* 0: no body */
    const struct shape *body;  /* checked and filled before the handler; NULL: the handler reads request->json itself */
    enum idempotency idempotency;
    bool write;                /* keys are read from the database now; reads may use a record of KEY_STALE_MS */
    const char *const *query;  /* names of the query parameters, NULL-terminated; NULL: none */
    /* either */
    void (*handle)(struct service *s, struct request *r, struct response *out); /* a problem: problem_answer */
    /* or: request → items of work, settled items → answer */
    enum problem (*collect)(struct request *r, struct work *w); /* items allocated in r->arena; a problem refuses the request */
    void (*answer)(struct work *w, struct response *out);
};
extern const struct route routes[];
extern const size_t routes_n;

/* ---- http/serve.c: the phases over an array of requests ----
 * read body → match → authenticate → authorise → (rate limit) → shape → handle, or collect → settle as one set → answer.
 * Fills responses[i] for every request; never fails as a whole. */
void serve(struct service *s, struct arena *set_arena, struct request *const *requests, struct response *responses, size_t n);

/* The one writer of problems: application/problem+json with type, title, status, detail, code, errors, request_id. */
void problem_answer(struct request *r, enum problem p, struct response *out);
/* The same as a value inside an array's answer: {"status":"rejected","problem":{…}}. */
struct str problem_item(struct request *r, enum problem p, const struct faults *f);

/* Percent-decodes one path segment: false for bad escapes, NUL, invalid UTF-8. */
MUST_CHECK bool segment_decode(struct arena *a, struct str raw, struct str *out);

#endif
