/* The front door without a database: matching, decoding, queries, header fields and problems (DESIGN 3, SEMANTICS 1, 8, 40).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/limits.h"
#include "handlers/handlers.h"
#include "handlers/routes.h"
#include "http/headers.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

#define assert_text(s, z) assert_string_equal(str_z(a, (s)), (z))

static struct request *request_of(struct arena *a, enum method method, const char *uri) {
    struct request *r = NEW(a, struct request);
    *r = (struct request){.arena = a, .method = method, .uri = str_of(uri), .request_id = STR("r-1"), .faults = faults_new(a)};
    return r;
}

/* ---- the route table ---- */

static void the_table_agrees_with_itself(void **state) {
    (void)state;
    const char *why;
    bool ok = routes_check(&route_table, &why);
    if (!ok) print_error("%s\n", why);
    assert_true(ok);
}

/* The check looks only whether they are there. */
static void handle(struct service *s, struct request *r, struct response *out) {
    (void)s;
    (void)r;
    (void)out;
}
static enum problem collect(struct request *r, struct work *w) {
    (void)r;
    (void)w;
    return P_OK;
}
static void answer(struct work *w, struct response *out) {
    (void)w;
    (void)out;
}

#define GET_ROW                                                                                                                            \
    .method = METHOD_GET, .pattern = "/v1/a/{x}", .name = "get_a", .scope = SCOPE_MEMBERS_READ, .rate = RATE_READS, .handle = handle
#define POST_ROW                                                                                                                           \
    .method = METHOD_POST, .pattern = "/v1/a", .name = "post_a", .scope = SCOPE_MEMBERS_WRITE, .rate = RATE_WRITES, .handle = handle,      \
    .write = true, .body_max = 100, .idempotency = IDEMPOTENCY_REQUIRED

static const char *why_of(struct route row) {
    const char *why;
    struct route_table table = {&row, 1};
    return routes_check(&table, &why) ? "" : why;
}

/* A new route cannot forget its authorisation, its key, or its limits (DESIGN 2). */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static void a_row_that_forgets_something_is_refused(void **state) {
    (void)state;
    assert_string_equal(why_of((struct route){GET_ROW}), "");
    assert_string_equal(why_of((struct route){POST_ROW}), "");
    assert_string_equal(why_of((struct route){GET_ROW, .scope = SCOPE_NONE}), "a route has exactly one scope");
    assert_string_equal(why_of((struct route){GET_ROW, .scope = SCOPE_MEMBERS_READ | SCOPE_SELF}), "a route has exactly one scope");
    assert_string_equal(why_of((struct route){GET_ROW, .admin = true}), "routes of the process have no scope");
    assert_string_equal(why_of((struct route){GET_ROW, .name = "getA"}), "a name is in snake_case");
    assert_string_equal(why_of((struct route){GET_ROW, .pattern = "v1"}), "a pattern begins with '/' and has few segments");
    assert_string_equal(why_of((struct route){GET_ROW, .pattern = "/v1/"}), "a pattern has no empty segment");
    assert_string_equal(why_of((struct route){GET_ROW, .pattern = "/{a}/{b}/{c}/{d}/{e}"}), "a pattern has too many parameters");
    assert_string_equal(why_of((struct route){GET_ROW, .body_max = 1}), "only POST, PUT and PATCH have a body");
    assert_string_equal(why_of((struct route){POST_ROW, .body_max = BODY_BYTES_MAX + 1}),
                        "a body is no larger than what the transport reads");
    assert_string_equal(why_of((struct route){POST_ROW, .body_max = 0, .body = &event_shape}), "a shape needs a body");
    assert_string_equal(why_of((struct route){POST_ROW, .body_optional = true}), "only a body with a shape can be absent");
    assert_string_equal(why_of((struct route){POST_ROW, .write = false}), "a read takes no Idempotency-Key");
    assert_string_equal(why_of((struct route){POST_ROW, .write = false, .method = METHOD_PUT}), "PUT, PATCH and DELETE write");
    assert_string_equal(why_of((struct route){GET_ROW, .self = true}), "what is a token's own is below its member");
    assert_string_equal(why_of((struct route){GET_ROW, .self = true, .pattern = "/v1/{a}/members/{member}"}),
                        "what is a token's own is below its member");
    assert_string_equal(why_of((struct route){GET_ROW, .self = true, .pattern = "/v1/members/{member}/a"}), "");
    assert_string_equal(why_of((struct route){GET_ROW, .write = true}), "GET never writes");
    assert_string_equal(why_of((struct route){GET_ROW, .etag = ETAG_BODY}), "");
    assert_string_equal(why_of((struct route){POST_ROW, .etag = ETAG_BODY}), "what is compared by its ETag is read");
    assert_string_equal(why_of((struct route){GET_ROW, .if_match = ETAG_EXACT}), "what is read is compared by its own ETag");
    assert_string_equal(why_of((struct route){POST_ROW, .if_match = ETAG_BODY}), "If-Match never names a weak ETag");
    assert_string_equal(why_of((struct route){POST_ROW, .if_match = ETAG_EXACT}), "");
    assert_string_equal(why_of((struct route){POST_ROW, .merge_patch = true}), "a merge patch is sent by PATCH");
    assert_string_equal(why_of((struct route){POST_ROW, .handle = NULL}), "a route has either a handler or collects");
    assert_string_equal(why_of((struct route){POST_ROW, .handle = NULL, .collect = collect}), "what is collected is answered");
    assert_string_equal(why_of((struct route){POST_ROW, .rate = RATE_EVENTS, .handle = NULL, .collect = collect, .answer = answer}),
                        "events have an identity of their own");
    assert_string_equal(why_of((struct route){GET_ROW, .idempotency = IDEMPOTENCY_OPTIONAL}), "a read takes no Idempotency-Key");
    assert_string_equal(why_of((struct route){POST_ROW, .idempotency = IDEMPOTENCY_OPTIONAL}),
                        "every POST that writes needs an Idempotency-Key, but for events");
    assert_string_equal(why_of((struct route){POST_ROW, .method = METHOD_PUT}),
                        "every POST that writes needs an Idempotency-Key, but for events");
    const char *limit = "a route has a rate limit, one of the process has none", *reads = "GET counts as a read, and nothing else does";
    assert_string_equal(why_of((struct route){GET_ROW, .rate = RATE_NONE}), limit);
    assert_string_equal(why_of((struct route){GET_ROW, .scope = SCOPE_NONE, .admin = true}), limit);
    assert_string_equal(why_of((struct route){GET_ROW, .rate = RATE_WRITES}), reads);
    assert_string_equal(why_of((struct route){POST_ROW, .rate = RATE_READS}), reads);
    assert_string_equal(why_of((struct route){POST_ROW, .rate = RATE_SELF}),
                        "a member's own limit counts besides the one that a row names");
    assert_string_equal(why_of((struct route){POST_ROW, .rate = RATE_EVENTS}), "what is collected counts as events");
    const char *why;
    struct route twice[] = {{GET_ROW}, {GET_ROW, .pattern = "/v1/b"}}, same[] = {{GET_ROW}, {GET_ROW, .name = "b", .pattern = "/v1/{a}/b"}};
    struct route hidden[] = {{GET_ROW}, {GET_ROW, .name = "b", .pattern = "/v1/a/b"}}, before[] = {hidden[1], hidden[0]};
    assert_false(routes_check(&(struct route_table){twice, 2}, &why));
    assert_string_equal(why, "a name is given once");
    assert_false(routes_check(&(struct route_table){same, 2}, &why)); /* /v1/a/b fits both */
    assert_string_equal(why, "no route takes the address and method of a later one");
    assert_false(routes_check(&(struct route_table){hidden, 2}, &why)); /* a literal stands before a parameter */
    assert_true(routes_check(&(struct route_table){before, 2}, &why));
}
#pragma GCC diagnostic pop

/* ---- matching ---- */

static enum problem match(struct arena *a, enum method method, const char *uri, bool admin, struct request **out) {
    struct str allow = STR("");
    *out = request_of(a, method, uri);
    (*out)->admin_listener = admin;
    return route_match(&route_table, *out, &allow);
}

static void every_route_is_found_by_its_pattern(void **state) {
    struct arena *a = *state;
    for (size_t i = 0; i < route_table.n; i++) {
        const struct route *row = &route_table.rows[i];
        struct request *r;
        const char *uri = str_z(a, str_printf(a, "%s?q", row->pattern)); /* "{member}" is an id like any other */
        assert_int_equal(match(a, row->method, uri, row->admin, &r), P_OK);
        assert_ptr_equal(r->route, row);
        assert_text(r->path, row->pattern);
        assert_text(r->query, "q");
        assert_int_equal(match(a, row->method, row->pattern, !row->admin, &r), P_NOT_FOUND); /* by the other listener */
        assert_int_equal(match(a, 0, row->pattern, row->admin, &r), P_METHOD);
        assert_null(r->route);
        assert_int_equal(match(a, row->method, str_z(a, str_printf(a, "%s/", row->pattern)), row->admin, &r), P_NOT_FOUND);
        assert_int_equal(match(a, row->method, str_z(a, str_printf(a, "/%s", row->pattern)), row->admin, &r), P_NOT_FOUND);
    }
}

/* SEMANTICS 1: ids are percent-encoded in paths and routed on the raw request URI. */
static void ids_are_decoded_segment_by_segment(void **state) {
    struct arena *a = *state;
    struct request *r;
    assert_int_equal(match(a, METHOD_GET, "/v1/events/%2Fplants%2Fone/a%20b%C3%A9+c", false, &r), P_OK);
    assert_text(r->params[0], "/plants/one");
    assert_text(r->params[1], "a b\xc3\xa9+c");
    assert_text(r->path, "/v1/events/%2Fplants%2Fone/a%20b%C3%A9+c");
    assert_int_equal(match(a, METHOD_GET, "/v1/%65vents/s/i", false, &r), P_OK); /* an escaped letter is that letter (RFC 3986, 6.2.2.2) */
    assert_string_equal(r->route->name, "get_event");
    assert_int_equal(match(a, METHOD_GET, "/v1/events/a/b/c", false, &r), P_NOT_FOUND);
    assert_int_equal(match(a, METHOD_GET, "/v1/members/a/points?x?y", false, &r), P_OK);
    assert_text(r->query, "x?y");
}

static void an_id_that_cannot_exist_is_not_found(void **state) {
    struct arena *a = *state;
    struct request *r;
    char uri[200] = "/v1/members/";
    assert_int_equal(match(a, METHOD_GET, "/v1/members//points", false, &r), P_NOT_FOUND);
    assert_int_equal(match(a, METHOD_GET, "/v1/members/../points", false, &r), P_NOT_FOUND);
    assert_int_equal(match(a, METHOD_GET, "/v1/members/a%2F..%2Fb/points", false, &r), P_NOT_FOUND);
    assert_int_equal(match(a, METHOD_GET, "/v1/members/a%0Ab/points", false, &r), P_NOT_FOUND);
    for (int n = 128; n <= 129; n++) {
        memset(uri + 12, 'm', (size_t)n);
        memcpy(uri + 12 + n, "/points", 8);
        assert_int_equal(match(a, METHOD_GET, uri, false, &r), n == 128 ? P_OK : P_NOT_FOUND);
    }
    static const char *const undecodable[] = {"/v1/members/%/points",
                                              "/v1/members/%4/points",
                                              "/v1/members/%4g/points",
                                              "/v1/members/a%00/points",
                                              "/v1/members/%ff/points",
                                              "/v1/members/%C3%28/points",
                                              "/v1/%zz",
                                              "/%e2%82"};
    for (size_t i = 0; i < COUNT(undecodable); i++) assert_int_equal(match(a, METHOD_GET, undecodable[i], false, &r), P_BAD_REQUEST);
    assert_int_equal(match(a, METHOD_GET, "", false, &r), P_NOT_FOUND);
    assert_int_equal(match(a, METHOD_GET, "*", false, &r), P_NOT_FOUND);
    assert_int_equal(match(a, METHOD_GET, "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t", false, &r), P_NOT_FOUND);
}

static void a_method_that_is_not_taken_is_told_which_are(void **state) {
    struct arena *a = *state;
    struct str allow = STR("");
    struct request *r = request_of(a, METHOD_GET, "/v1/events");
    assert_int_equal(route_match(&route_table, r, &allow), P_METHOD);
    assert_text(allow, "POST");
    r = request_of(a, 0, "/v1/members/x/points"); /* a method of no route at all */
    assert_int_equal(route_match(&route_table, r, &allow), P_METHOD);
    assert_text(allow, "GET, HEAD");
}

static void a_long_uri_is_refused(void **state) {
    struct arena *a = *state;
    struct request *r;
    char *uri = arena_alloc(a, URI_BYTES_MAX + 2);
    memset(uri, 'x', URI_BYTES_MAX);
    memcpy(uri, "/v1/members/a/points?", 21);
    assert_int_equal(match(a, METHOD_GET, uri, false, &r), P_OK);
    uri[URI_BYTES_MAX] = 'x';
    assert_int_equal(match(a, METHOD_GET, uri, false, &r), P_URI_TOO_LONG);
}

/* ---- queries ---- */

static void a_query_is_checked_against_the_route(void **state) {
    struct arena *a = *state;
    static const char *const names[] = {"from", "kind", NULL};
    struct request *r = request_of(a, METHOD_GET, "/");
    struct str value;
    r->query = STR("from=2026-11-21T10:00:00+02:00&kind=earned%2Cbonus&");
    assert_int_equal(query_check(r, names), P_OK);
    assert_true(query_get(r, "from", &value));
    assert_text(value, "2026-11-21T10:00:00+02:00");
    assert_true(query_get(r, "kind", &value));
    assert_text(value, "earned,bonus");
    assert_false(query_get(r, "to", &value));
    static const struct {
        const char *query, *detail;
    } wrong[] = {
        {"from=1&from=2", "the query parameter from is given twice"},
        {"fr%6Fm=1&from=2", "the query parameter from is given twice"},
        {"To=1", "the query parameter \"To\" is unknown here; known are: from, kind"},
        {"=1", "the query parameter \"\" is unknown here; known are: from, kind"},
        {"from=%zz", "the query is not percent-encoded UTF-8 without NUL"},
        {"%00=1", "the query is not percent-encoded UTF-8 without NUL"},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        r = request_of(a, METHOD_GET, "/");
        r->query = str_of(wrong[i].query);
        assert_int_equal(query_check(r, names), P_BAD_REQUEST);
        assert_text(r->faults.detail, wrong[i].detail);
    }
    r = request_of(a, METHOD_GET, "/");
    r->query = STR("from=1");
    assert_int_equal(query_check(r, NULL), P_BAD_REQUEST);
    assert_text(r->faults.detail, "the query parameter \"from\" is unknown here");
}

/* ---- header fields ---- */

static void an_idempotency_key_is_a_string_or_bare(void **state) {
    struct arena *a = *state;
    struct str key;
    char longest[260];
    static const char *const good[][2] = {
        {"abc", "abc"},
        {"\"abc\"", "abc"},
        {" \"8e03978e-40d5\" ", "8e03978e-40d5"},
        {"8e03978e-40d5", "8e03978e-40d5"},
        {"\"a b\"", "a b"},
        {"\"a\\\"b\\\\\"", "a\"b\\"},
        {"a\\b", "a\\b"},
        {"?1", "?1"},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(idempotency_key_parse(a, str_of(good[i][0]), &key));
        assert_text(key, good[i][1]);
    }
    static const char *const bad[] = {"",         " ",       "\"\"", "a b",      "\"abc",        "\"",       "\"a\"b\"", "\"a\";p=1",
                                      "\"a\\n\"", "\"a\\\"", "a\tb", "\xc3\xa9", "\"\xc3\xa9\"", "\"a\tb\"", "a,"};
    for (size_t i = 0; i < COUNT(bad); i++) assert_false(idempotency_key_parse(a, str_of(bad[i]), &key));
    memset(longest, 'k', sizeof longest);
    assert_true(idempotency_key_parse(a, (struct str){longest, 255}, &key));
    assert_false(idempotency_key_parse(a, (struct str){longest, 256}, &key));
}

static void a_body_is_json_in_utf_8(void **state) {
    (void)state;
    static const char *const good[] = {"application/json", "Application/JSON", "application/json; charset=utf-8",
                                       "application/json;charset=\"UTF-8\"", " application/json ;"};
    static const char *const bad[] = {"",
                                      "text/json",
                                      "application/jsonx",
                                      "application/json; charset=latin1",
                                      "application/json; charset",
                                      "application/json; profile=x",
                                      "application/cloudevents+json",
                                      "text/plain;application/json"};
    for (size_t i = 0; i < COUNT(good); i++) assert_true(is_json_type(str_of(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++) assert_false(is_json_type(str_of(bad[i])));
}

static void a_bearer_is_taken_out_of_its_field(void **state) {
    struct arena *a = *state;
    assert_text(bearer_of(STR("Bearer abc")), "abc");
    assert_text(bearer_of(STR("bearer   abc ")), "abc");
    assert_text(bearer_of(STR("Basic abc")), "");
    assert_text(bearer_of(STR("Bearer")), "");
    assert_text(bearer_of(STR("Bearerabc")), "");
    assert_text(bearer_of(STR("")), "");
}

static void parameters_become_a_request(void **state) {
    struct arena *a = *state;
    struct request r = {.arena = a};
    static const char *const params[][2] = {
        {"REQUEST_METHOD", "PATCH"},
        {"REQUEST_URI", "/x?y"},
        {"CONTENT_TYPE", "a/b"},
        {"HTTP_AUTHORIZATION", "Bearer t"},
        {"HTTP_COOKIE", "no"},
        {"HTTP_IDEMPOTENCY_KEY", "k"},
        {"REQUEST_ID", "Ab-9"},
        {"ACCOLADE_LISTENER", "admin"},
        {"HTTP_TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
        {"HTTP_REQUEST_ID", "mine"},
        {"HTTP_ACCOLADE_LISTENER", "public"}, /* what a client sends never is what nginx says */
    };
    for (size_t i = 0; i < COUNT(params); i++) request_param(&r, str_of(params[i][0]), str_of(params[i][1]));
    request_ready(&r);
    assert_int_equal(r.method, METHOD_PATCH);
    assert_text(r.uri, "/x?y");
    assert_text(r.content_type, "a/b");
    assert_text(r.authorization, "Bearer t");
    assert_text(r.idempotency_key, "k");
    assert_text(r.request_id, "Ab-9");
    assert_true(r.admin_listener);
    assert_text(r.traceparent, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    request_param(&r, STR("REQUEST_METHOD"), STR("HEAD"));
    assert_int_equal(r.method, METHOD_GET);
    request_param(&r, STR("REQUEST_METHOD"), STR("get"));
    assert_int_equal(r.method, 0);
    request_param(&r, STR("ACCOLADE_LISTENER"), STR("public"));
    assert_false(r.admin_listener);
}

static struct str traced(struct arena *a, const char *text) {
    struct request r = {.arena = a, .request_id = STR("r"), .traceparent = str_of(text)};
    request_ready(&r);
    return r.traceparent;
}

static void only_a_trace_of_w3c_goes_into_the_log(void **state) {
    struct arena *a = *state;
    assert_text(traced(a, "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later"),
                "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    static const char *const bad[] = {
        "",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c b7ad6b7169203331-01",
    };
    for (size_t i = 0; i < COUNT(bad); i++) assert_text(traced(a, bad[i]), "");
}

static void a_request_id_that_could_harm_is_replaced(void **state) {
    struct arena *a = *state;
    static const char *const bad[] = {"", "a b", "a\r\nX: y", "a_b", "0123456789012345678901234567890123456789012345678901234567890123x"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct request r = {.arena = a, .request_id = str_of(bad[i])};
        request_ready(&r);
        assert_int_equal(r.request_id.n, 36);
    }
}

/* ---- CloudEvents in binary mode (SEMANTICS 7) ---- */

static struct request *binary_of(struct arena *a, const char *body, size_t n, const char *const (*fields)[2]) {
    struct request *r = request_of(a, METHOD_POST, "/v1/events");
    r->content_type = STR("application/json");
    r->body = str_of(body);
    for (size_t i = 0; i < n; i++) request_param(r, str_of(fields[i][0]), str_of(fields[i][1]));
    assert_int_equal(json_parse(a, r->body, &r->json, &r->faults), P_OK);
    return r;
}

#define CE_FIELDS                                                                                                                          \
    {"HTTP_CE_SPECVERSION", "1.0"}, {"HTTP_CE_SOURCE", "s"}, {"HTTP_CE_ID", "i"}, {"HTTP_CE_TYPE", "t"}, { "HTTP_CE_SUBJECT", "m%20" }

static void header_fields_of_an_event_stand_once(void **state) {
    struct arena *a = *state;
    static const char *const good[][2] = {CE_FIELDS, {"HTTP_CE_SHIFT", "night"}};
    struct work w = {0};
    assert_int_equal(events_collect(binary_of(a, "{\"x\":1}", COUNT(good), good), &w), P_OK);
    assert_text(w.items->event.id, "i");
    assert_text(w.items->event.member, "m ");
    const char *many[40][2];
    for (size_t i = 0; i < COUNT(many); i++) many[i][0] = "HTTP_CE_ID", many[i][1] = "i";
    struct request *r = binary_of(a, "{}", COUNT(many), (const char *const(*)[2])many);
    assert_int_equal(events_collect(r, &w), P_BAD_REQUEST);
    assert_text(r->faults.detail, "the header field ce-id is there twice");
    static const char *const joined[][2] = {CE_FIELDS, {"HTTP_CE_SHIFT", "night, day"}}; /* two, as nginx from 1.23 on passes them on */
    r = binary_of(a, "{}", COUNT(joined), joined);
    assert_int_equal(events_collect(r, &w), P_BAD_REQUEST);
    assert_text(r->faults.detail, "the header field ce-shift is there twice; a space of its value would be %20");
    static const char *const data[][2] = {CE_FIELDS, {"HTTP_CE_DATA", "x"}};
    r = binary_of(a, "{}", COUNT(data), data);
    assert_int_equal(events_collect(r, &w), P_BAD_REQUEST);
    assert_text(r->faults.detail, "in binary mode the body is the data, no header field ce-data");
}

static void a_fault_of_the_member_is_told_where_it_was_sent(void **state) {
    struct arena *a = *state;
    static const char *const subject[][2] = {
        {"HTTP_CE_SPECVERSION", "1.0"}, {"HTTP_CE_SOURCE", "s"}, {"HTTP_CE_ID", "i"}, {"HTTP_CE_TYPE", "t"}, {"HTTP_CE_SUBJECT", ""}};
    static const char *const member[][2] = {
        {"HTTP_CE_SPECVERSION", "1.0"}, {"HTTP_CE_SOURCE", "s"}, {"HTTP_CE_ID", "i"}, {"HTTP_CE_TYPE", "t"}, {"HTTP_CE_MEMBER", ""}};
    struct work w = {0};
    struct request *r = binary_of(a, "{}", COUNT(subject), subject);
    assert_int_equal(events_collect(r, &w), P_VALIDATION);
    assert_int_equal(r->faults.list.n, 1);
    assert_text(r->faults.list.items[0].pointer, "/subject");
    r = binary_of(a, "{}", COUNT(member), member);
    assert_int_equal(events_collect(r, &w), P_VALIDATION);
    assert_text(r->faults.list.items[0].pointer, "/member");
}

/* ---- problems and answers ---- */

static void a_problem_says_everything(void **state) {
    struct arena *a = *state;
    struct request *r = request_of(a, METHOD_POST, "/");
    struct response out = {0};
    fault_add(&r->faults, P_VALIDATION, STR("/amount"), "must not be 0");
    fault_add(&r->faults, P_NUMBER, STR("/a~1b"), "too \"large\"");
    problem_answer(r, P_VALIDATION, &out);
    assert_int_equal(out.status, 422);
    assert_string_equal(out.content_type, "application/problem+json");
    assert_text(out.body,
                "{\"type\":\"/problems/validation-failed\",\"title\":\"The body does not have the required form\",\"status\":422,"
                "\"code\":\"validation-failed\",\"detail\":\"The body does not have the required form\",\"errors\":["
                "{\"pointer\":\"/amount\",\"detail\":\"must not be 0\",\"code\":\"validation-failed\"},"
                "{\"pointer\":\"/a~1b\",\"detail\":\"too \\\"large\\\"\",\"code\":\"number-out-of-range\"}],\"request_id\":\"r-1\"}");
    r->faults = faults_new(a);
    r->faults.extra = STR("\"required\":5,\"available\":2,\"shortfall\":3"); /* SEMANTICS 22 */
    fault_say(&r->faults, P_INSUFFICIENT, "5 points are needed");
    problem_answer(r, P_INSUFFICIENT, &out);
    assert_text(out.body, "{\"type\":\"/problems/insufficient-points\",\"title\":\"The member does not have enough points\",\"status\":409,"
                          "\"code\":\"insufficient-points\",\"detail\":\"5 points are needed\",\"errors\":[],\"request_id\":\"r-1\","
                          "\"required\":5,\"available\":2,\"shortfall\":3}");
}

static void a_list_of_faults_says_how_many_are_missing(void **state) {
    struct arena *a = *state;
    struct request *r = request_of(a, METHOD_POST, "/");
    struct response out = {0};
    struct json v;
    for (int i = 0; i < FAULTS_MAX + 7; i++) fault_add(&r->faults, P_VALIDATION, STR("/x"), "wrong");
    problem_answer(r, P_VALIDATION, &out);
    assert_int_equal(json_parse(a, out.body, &v, &r->faults), P_OK);
    assert_int_equal(json_get(&v, "errors")->n, FAULTS_MAX);
    assert_int_equal((int)json_get(&v, "more_errors")->number, 7);
}

static void an_item_has_its_place_in_its_pointers(void **state) {
    struct arena *a = *state;
    struct request *r = request_of(a, METHOD_POST, "/");
    struct faults f = faults_new(a);
    fault_add(&f, P_TOO_LATE, STR("/time"), "late");
    f.retry_after = 2;
    assert_text(
        problem_item(r, 17, P_TOO_LATE, &f),
        "{\"status\":\"rejected\",\"problem\":{\"type\":\"/problems/too-late\",\"title\":\"The event is older than the tenant accepts\","
        "\"status\":422,\"code\":\"too-late\",\"detail\":\"The event is older than the tenant accepts\",\"errors\":["
        "{\"pointer\":\"/17/time\",\"detail\":\"late\",\"code\":\"too-late\"}],\"request_id\":\"r-1\",\"retry_after\":2}}");
}

static void an_answer_has_its_header_fields(void **state) {
    struct arena *a = *state;
    struct request *r = request_of(a, METHOD_GET, "/");
    struct response plain = {.status = 201, .body = STR("{}"), .replayed = true};
    assert_text(response_text(r, &plain),
                "Status: 201 Created\r\nContent-Type: application/json\r\nContent-Length: 2\r\nX-Request-Id: r-1\r\n"
                "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nIdempotency-Replayed: true\r\n\r\n{}");
    struct response refused = {.status = 401, .body = STR("x"), .content_type = "application/problem+json"};
    assert_non_null(strstr(str_z(a, response_text(r, &refused)), "\r\nWWW-Authenticate: Bearer\r\n"));
    struct response busy = {.status = 503, .body = STR("x"), .retry_after = 3};
    assert_non_null(strstr(str_z(a, response_text(r, &busy)), "\r\nRetry-After: 3\r\n"));
    r->rates = (struct rates_told){{{"reads", 60000, 60, 59999, 1}, {"self", 20, 60, 0, 60}}, 1};
    assert_non_null(strstr(str_z(a, response_text(r, &busy)),
                           "\r\nRateLimit-Policy: \"reads\";q=60000;w=60\r\nRateLimit: \"reads\";r=59999;t=1\r\nRetry-After: 3\r\n"));
    r->rates.n = 2;
    assert_non_null(strstr(str_z(a, response_text(r, &busy)), "\r\nRateLimit-Policy: \"reads\";q=60000;w=60, \"self\";q=20;w=60\r\n"
                                                              "RateLimit: \"reads\";r=59999;t=1, \"self\";r=0;t=60\r\n"));
    r->rates.n = 0;
    struct response method = {.status = 405, .body = STR("x"), .allow = STR("GET")};
    assert_non_null(strstr(str_z(a, response_text(r, &method)), "\r\nAllow: GET\r\n"));
}

static void an_answer_that_is_known_has_no_body(void **state) {
    static const struct route known = {.etag = ETAG_BODY};
    struct arena *a = *state;
    struct request *r = request_of(a, METHOD_GET, "/");
    r->route = &known;
    struct response out = {.status = 304, .etag = STR("W/\"1\"")};
    assert_text(response_text(r, &out), "Status: 304 Not Modified\r\nX-Request-Id: r-1\r\nCache-Control: private, no-cache\r\n"
                                        "Vary: Authorization\r\nX-Content-Type-Options: nosniff\r\nETag: W/\"1\"\r\n\r\n");
}

/* RFC 9110, 8.8.3 and 13.1.2 */
static void entity_tags(void **state) {
    struct arena *a = *state;
    static const struct {
        const char *list;
        bool named; /* whether it names "a" */
    } lists[] = {
        {"\"a\"", true},
        {"W/\"a\"", true},
        {"*", true},
        {" * ", true},
        {"\"b\", W/\"a\"", true},
        {"\"b,\",\"a\"", true},
        {", ,\"a\" ,", true},
        {"\"b\"", false},
        {"\"A\"", false},
        {"a", false},
        {"", false},
        {"w/\"a\"", false},
        {"\"b\" \"a\"", false},
        {"\"a", false},
        {"\"a\"x", false},
        {"\"b\";\"a\"", false},
        {"W/ \"a\"", false},
        {"\"b c\", \"a\"", false},
    };
    for (size_t i = 0; i < COUNT(lists); i++) {
        if (etag_listed(str_of(lists[i].list), STR("\"a\"")) != lists[i].named) fail_msg("%s", lists[i].list);
        if (etag_listed(str_of(lists[i].list), STR("W/\"a\"")) != lists[i].named) fail_msg("%s, of a weak one", lists[i].list);
    }
    assert_true(etag_matched(STR("\"b\", \"a\""), STR("\"a\"")) && etag_matched(STR(" * "), STR("W/\"a\"")));
    assert_false(etag_matched(STR("W/\"a\""), STR("\"a\"")) || etag_matched(STR("\"a\""), STR("W/\"a\""))); /* both are strong */
    assert_true(etags_are_valid(STR("*")) && etags_are_valid(STR(",\"a\", W/\"b\",")));
    assert_false(etags_are_valid(STR("*, \"a\"")) || etags_are_valid(STR(",")) || etags_are_valid(STR("\"a\", b")));
    struct str rest = STR("W/\"x\" , \"v7\"");
    struct etag tag;
    assert_true(etag_next(&rest, &tag) && tag.weak);
    assert_text(tag.text, "\"x\"");
    assert_true(etag_next(&rest, &tag) && !tag.weak);
    assert_text(tag.text, "\"v7\"");
    assert_false(etag_next(&rest, &tag));
    assert_int_equal(rest.n, 0);
}

static void every_problem_has_an_answer(void **state) {
    struct arena *a = *state;
    for (int p = P_OK + 1; p < P__MAX; p++) {
        struct request *r = request_of(a, METHOD_GET, "/");
        struct response out = {0};
        struct json v;
        problem_answer(r, (enum problem)p, &out);
        assert_int_equal(json_parse(a, out.body, &v, &r->faults), P_OK);
        assert_int_equal((int)json_get(&v, "status")->number, out.status);
        assert_true(response_text(r, &out).n > out.body.n); /* there are words for its status */
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_table_agrees_with_itself),
        TEST(a_row_that_forgets_something_is_refused),
        TEST(every_route_is_found_by_its_pattern),
        TEST(ids_are_decoded_segment_by_segment),
        TEST(an_id_that_cannot_exist_is_not_found),
        TEST(a_method_that_is_not_taken_is_told_which_are),
        TEST(a_long_uri_is_refused),
        TEST(a_query_is_checked_against_the_route),
        TEST(an_idempotency_key_is_a_string_or_bare),
        TEST(a_body_is_json_in_utf_8),
        TEST(a_bearer_is_taken_out_of_its_field),
        TEST(parameters_become_a_request),
        TEST(only_a_trace_of_w3c_goes_into_the_log),
        TEST(a_request_id_that_could_harm_is_replaced),
        TEST(header_fields_of_an_event_stand_once),
        TEST(a_fault_of_the_member_is_told_where_it_was_sent),
        TEST(a_problem_says_everything),
        TEST(a_list_of_faults_says_how_many_are_missing),
        TEST(an_item_has_its_place_in_its_pointers),
        TEST(an_answer_has_its_header_fields),
        TEST(an_answer_that_is_known_has_no_body),
        TEST(entity_tags),
        TEST(every_problem_has_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
