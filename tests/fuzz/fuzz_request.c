/* Any parameters, as a web server could send them, one NAME=VALUE a line, the body after an empty line: through the front door without
 * a database. Whatever comes, there is a request id, and an answer of HTTP in JSON that is no 5xx (invariant 13). */
#include <stdlib.h>

#include "base/ids.h"
#include "base/limits.h"
#include "handlers/handlers.h"
#include "handlers/routes.h"
#include "http/headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool holds) {
    if (!holds) abort();
}

static bool is_printable(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < 0x20 || s.p[i] > 0x7e) return false;
    }
    return true;
}

static void read_params(struct request *r, struct str rest) {
    while (rest.p != NULL) {
        struct str value = str_cut(&rest, '\n'), name = str_cut(&value, '=');
        if (name.n == 0) break;
        request_param(r, name, value.p != NULL ? value : STR(""));
    }
    r->body = rest.p != NULL ? rest : STR("");
    request_ready(r);
    check(r->request_id.n >= 1 && r->request_id.n <= 64 && is_printable(r->request_id) && is_printable(r->traceparent));
}

static enum problem check_events(struct request *r) {
    struct work w = {.request = r};
    struct response out = {0};
    enum problem p = json_parse(r->arena, r->body, &r->json, &r->faults);
    if (p == P_OK) p = events_collect(r, &w);
    if (p != P_OK) return p;
    for (size_t i = 0; i < w.n; i++) w.items[i].answer = STR("{}");
    events_answer(&w, &out);
    check(out.status == 200);
    return P_OK;
}

static enum problem judge(struct request *r, struct response *out) {
    struct str key = STR(""), bearer;
    enum problem p = route_match(&route_table, r, &out->allow);
    check((p == P_METHOD) == (out->allow.n > 0));
    if (p != P_OK) return p;
    for (size_t i = 0; i < PARAMS_MAX && r->params[i].n > 0; i++) check(public_id_is_valid(r->params[i]));
    bearer = bearer_of(r->authorization);
    check(bearer.n <= r->authorization.n);
    if (idempotency_key_parse(r->arena, r->idempotency_key, &key)) check(key.n >= 1 && key.n <= KEY_CHARS_MAX && is_printable(key));
    p = query_check(r, r->route->query);
    if (p != P_OK || r->route->body_max == 0) return p;
    if (!is_json_type(r->content_type)) return P_MEDIA_TYPE;
    if (r->route->collect != NULL) return check_events(r);
    p = json_parse(r->arena, r->body, &r->json, &r->faults);
    if (p != P_OK || r->route->body == NULL) return p;
    return shape_read(r->route->body, &r->json, STR(""), r->arena, arena_alloc(r->arena, r->route->body->size), &r->faults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct arena *a = arena_new();
    struct request r = {.arena = a, .faults = faults_new(a)};
    struct response out = {.status = 200, .body = STR("{}")};
    read_params(&r, (struct str){(const char *)data, n});
    enum problem p = judge(&r, &out);
    if (p != P_OK) problem_answer(&r, p, &out);
    struct json v;
    struct faults faults = faults_new(a);
    check(out.status < 500);
    check(json_parse(a, out.body, &v, &faults) == P_OK);
    check(str_starts(response_text(&r, &out), "Status: "));
    arena_free(&a);
    return 0;
}
