/* The phases of requests (DESIGN 3), and events on their way through them, with a service whose database is away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "handlers/handlers.h"
#include "service/members.h"
#include "service/shared.h"

#define assert_text(s, z) assert_string_equal(str_z(a, (s)), (z))

static struct request *request_of(struct arena *a, enum method method, const char *uri) {
    struct request *r = NEW(a, struct request);
    *r = (struct request){.arena = a, .method = method, .uri = str_of(uri), .request_id = STR("r-1"), .faults = faults_new(a)};
    return r;
}

static int handled, collected;
static enum problem handled_as = P_OK;
static void handle(struct service *s, struct request *r, struct response *out) {
    (void)s;
    handled++;
    *out = (struct response){.status = 200, .body = STR("{}")};
    if (handled_as != P_OK) problem_answer(r, handled_as, out);
}
static enum problem collect(struct request *r, struct work *w) {
    (void)r;
    (void)w;
    collected++;
    return P_OK;
}
static void answer(struct work *w, struct response *out) {
    (void)w;
    *out = (struct response){.status = 200, .body = STR("[]")};
}

static const struct route phase_rows[] = {
    {.method = METHOD_GET, .pattern = "/v1/a/{x}", .name = "get_a", .scope = SCOPE_MEMBERS_READ, .rate = RATE_READS, .handle = handle},
    {.method = METHOD_POST,
     .pattern = "/v1/a",
     .name = "post_a",
     .scope = SCOPE_MEMBERS_WRITE,
     .rate = RATE_WRITES,
     .handle = handle,
     .write = true,
     .body_max = 100,
     .idempotency = IDEMPOTENCY_REQUIRED},
    {.method = METHOD_POST,
     .pattern = "/v1/e",
     .name = "e",
     .scope = SCOPE_EVENTS_WRITE,
     .rate = RATE_EVENTS,
     .write = true,
     .body_max = 9,
     .collect = collect,
     .answer = answer},
    {.method = METHOD_GET, .pattern = "/open", .name = "open", .scope = SCOPE_NONE, .admin = true, .handle = handle},
};

struct world {
    struct arena *arena;
    struct service *service;
    int order[8], n_answered;
};

static int set_up_service(void **state) {
    struct world *w = calloc(1, sizeof *w);
    char path[] = P_tmpdir "/accolade-key-XXXXXX";
    int fd = mkstemp(path);
    struct settings settings;
    struct str error;
    assert_true(w != NULL && fd >= 0 && write(fd, "0123456789abcdef0123456789abcdef", 32) == 32);
    w->arena = arena_new();
    assert_true(settings_load(w->arena, "", &settings, &error));
    settings.installation_key_file = path;
    settings.db_socket = "/nonexistent/mysqld.sock";
    settings.log_level = LOG_ERROR;
    w->service = service_open(&settings, false, w->arena, &error);
    assert_non_null(w->service);
    close(fd);
    unlink(path);
    handled = collected = 0;
    return *state = w, 0;
}
static int tear_down_service(void **state) {
    struct world *w = *state;
    service_close(&w->service);
    arena_free(&w->arena);
    free(w);
    return 0;
}

static void note_order(struct serving *set, size_t i) {
    struct world *w = set->ctx;
    w->order[w->n_answered++] = (int)i;
}

static void serve_all(struct world *w, struct request *const *requests, struct response *responses, size_t n) {
    struct route_table table = {phase_rows, COUNT(phase_rows)};
    struct serving set = {.service = w->service,
                          .table = &table,
                          .arena = w->arena,
                          .requests = requests,
                          .responses = responses,
                          .n = n,
                          .answered = note_order,
                          .ctx = w};
    w->n_answered = 0;
    serve(&set);
    assert_int_equal(w->n_answered, n);
}

static enum problem served(struct world *w, struct request *r) {
    struct response out = {0};
    serve_all(w, &r, &out, 1);
    assert_int_equal(out.status, problem_row(out.problem)->status);
    return out.problem;
}

/* Invariant 7: without a credential nothing is done, whatever the rest of the request is. */
static void nothing_is_done_without_a_credential(void **state) {
    struct world *w = *state;
    struct arena *a = w->arena;
    static const char *const credentials[] = {"",
                                              "Bearer",
                                              "Bearer x",
                                              "Basic dTpw",
                                              "Bearer acc_live_0123456789abcdef_short",
                                              "acc_live_0123456789abcdef_0123456789012345678901234567890123456789"};
    static const struct {
        enum method method;
        const char *uri;
    } addresses[] = {{METHOD_GET, "/v1/a/x"}, {METHOD_POST, "/v1/a"}, {METHOD_POST, "/v1/e"}};
    for (size_t i = 0; i < COUNT(credentials); i++) {
        for (size_t j = 0; j < COUNT(addresses); j++) {
            struct request *r = request_of(a, addresses[j].method, addresses[j].uri);
            r->authorization = str_of(credentials[i]);
            r->body = STR("{broken");
            assert_int_equal(served(w, r), P_UNAUTHENTICATED);
        }
    }
    assert_int_equal(handled, 0);
    assert_int_equal(collected, 0);
}

static void without_a_database_a_credential_cannot_be_checked(void **state) {
    struct world *w = *state;
    struct request *r = request_of(w->arena, METHOD_GET, "/v1/a/x");
    r->authorization = STR("Bearer acc_live_0123456789abcdef_0123456789012345678901234567890123456789");
    struct response out = {0};
    serve_all(w, &r, &out, 1);
    assert_int_equal(out.status, 503);
    assert_int_equal(out.retry_after, 1);
    assert_int_equal(handled, 0);
}

/* A text that is no token of ours is refused without a look at the database; what could be one cannot be checked without it. */
static void a_member_token_is_read_before_its_key_is_looked_up(void **state) {
    struct world *w = *state;
    struct arena *a = w->arena;
    static const struct {
        const char *header;
        enum problem expected;
    } cases[] = {
        {"{\"alg\":\"HS256\",\"kid\":\"AAAAAAAAAAAAAAAA\"}", P_UNAVAILABLE},
        {"{\"alg\":\"HS256\",\"kid\":\"AAAAAAAAAAAAAAA\"}", P_UNAUTHENTICATED},
        {"{\"alg\":\"HS256\",\"kid\":\"AAAAAAAAAAAAAAA'\"}", P_UNAUTHENTICATED},
        {"{\"alg\":\"HS256\"}", P_UNAUTHENTICATED},
        {"{\"alg\":\"none\",\"kid\":\"AAAAAAAAAAAAAAAA\"}", P_UNAUTHENTICATED},
        {"{\"alg\":\"HS256\",\"kid\":\"AAAAAAAAAAAAAAAA\",\"crit\":[]}", P_UNAUTHENTICATED},
        {"{", P_UNAUTHENTICATED},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct request *r = request_of(a, METHOD_GET, "/v1/a/x");
        struct str header = base64url_text(a, str_of(cases[i].header));
        r->authorization = str_printf(a, "Bearer " STR_FMT ".e30.AAAA", STR_ARG(header));
        assert_int_equal(served(w, r), cases[i].expected);
    }
    assert_int_equal(handled, 0);
}

static void a_route_of_the_process_needs_nobody(void **state) {
    struct world *w = *state;
    struct request *r = request_of(w->arena, METHOD_GET, "/open");
    assert_int_equal(served(w, r), P_NOT_FOUND);
    r = request_of(w->arena, METHOD_GET, "/open");
    r->admin_listener = true;
    assert_int_equal(served(w, r), P_OK);
    assert_int_equal(handled, 1);
    r = request_of(w->arena, METHOD_GET, "/open?x=1");
    r->admin_listener = true;
    assert_int_equal(served(w, r), P_BAD_REQUEST);
}

/* MECHANICS 4: refusals are answered before anything that takes time. */
static void refusals_are_answered_first(void **state) {
    struct world *w = *state;
    struct request *requests[] = {request_of(w->arena, METHOD_GET, "/open"), request_of(w->arena, METHOD_GET, "/nowhere"),
                                  request_of(w->arena, METHOD_PUT, "/v1/a")};
    struct response responses[3] = {0};
    requests[0]->admin_listener = true;
    serve_all(w, requests, responses, 3);
    assert_int_equal(responses[0].status, 200);
    assert_int_equal(responses[1].status, 404);
    assert_int_equal(responses[2].status, 405);
    assert_int_equal(w->order[0], 1);
    assert_int_equal(w->order[1], 2);
    assert_int_equal(w->order[2], 0);
}

/* ---- suspects ---- */

static struct page *join_page(struct world *w, struct worker_slot **slot) {
    struct page_file file = {.path = ""};
    struct page *page = page_new(&file, 1, 1);
    assert_non_null(page);
    *slot = page_slot_take(page, 0, 1);
    service_join(w->service, page, *slot);
    return page;
}

static unsigned strikes_of(const struct page *page, uint64_t name) {
    int64_t left_us;
    return page_strikes(page, name, clock_monotonic_us(), &left_us);
}

/* Whether a request that a worker has fallen with is still a suspect after this. */
static bool is_still_suspect(struct world *w, struct page *page, const char *uri, enum problem expected) {
    struct request *r = request_of(w->arena, METHOD_GET, uri), *again = request_of(w->arena, METHOD_GET, uri);
    r->admin_listener = again->admin_listener = str_starts(r->uri, "/open");
    if (!r->admin_listener) r->authorization = STR("Bearer acc_live_0123456789abcdef_0123456789012345678901234567890123456789");
    again->authorization = r->authorization;
    (void)served(w, r); /* has its name from now on */
    assert_int_equal(strikes_of(page, r->name), 0);
    assert_int_equal(page_strike(page, r->name, false, clock_monotonic_us()), 1);
    assert_int_equal(served(w, again), expected);
    assert_true(again->name == r->name && again->alone);
    bool is = strikes_of(page, r->name) != 0;
    page_forgive(page, r->name);
    return is;
}

/* MECHANICS 4: what was refused before it was really tried may fell the next worker. */
static void a_suspect_is_forgiven_when_it_was_really_tried(void **state) {
    struct world *w = *state;
    struct worker_slot *slot;
    struct page *page = join_page(w, &slot);
    static const enum problem tried[] = {P_OK, P_BAD_REQUEST, P_MEMBER_NOT_FOUND, P_INSUFFICIENT, P_VALIDATION, P_TOO_LATE, P_INTERNAL};
    static const enum problem untried[] = {P_UNAVAILABLE, P_IN_PROGRESS, P_RATE, P_CONFIG_UNUSABLE, P_QUARANTINED};
    for (size_t i = 0; i < COUNT(tried); i++) {
        handled_as = tried[i];
        assert_false(is_still_suspect(w, page, "/open", tried[i]));
    }
    for (size_t i = 0; i < COUNT(untried); i++) {
        handled_as = untried[i];
        assert_true(is_still_suspect(w, page, "/open", untried[i]));
    }
    handled_as = P_OK;
    assert_false(is_still_suspect(w, page, "/open?x=1", P_BAD_REQUEST));
    assert_false(is_still_suspect(w, page, "/openn", P_NOT_FOUND));
    assert_true(is_still_suspect(w, page, "/v1/a/x", P_UNAVAILABLE)); /* its credential cannot be checked without a database */
    page_free(&page);
}

/* One that was taken before the strike, by another worker, is as good as a trial. */
static void any_identical_request_that_gets_through_forgives(void **state) {
    struct world *w = *state;
    struct worker_slot *slot;
    struct page *page = join_page(w, &slot);
    struct request *r = request_of(w->arena, METHOD_GET, "/open");
    r->admin_listener = true;
    assert_int_equal(served(w, r), P_OK);
    struct request *requests[2] = {request_of(w->arena, METHOD_GET, "/open"), request_of(w->arena, METHOD_GET, "/open")};
    struct response responses[2] = {0};
    assert_int_equal(page_strike(page, r->name, false, clock_monotonic_us()), 1);
    for (size_t i = 0; i < 2; i++) requests[i]->admin_listener = true;
    serve_all(w, requests, responses, 2);
    assert_true(requests[0]->alone && requests[1]->alone);
    assert_int_equal(strikes_of(page, r->name), 0);
    assert_int_equal(page_strike(page, r->name, false, clock_monotonic_us()), 1);
    requests[1]->uri = STR("/open?"); /* another one, which does not wait behind it */
    requests[1]->name = 0;
    serve_all(w, requests, responses, 2);
    assert_true(requests[0]->alone && !requests[1]->alone);
    assert_int_equal(w->order[0], 1);
    assert_int_equal(page_strike(page, r->name, true, clock_monotonic_us()), 1); /* begins anew */
    page_free(&page);
}

/* Only one thing that was a suspect before it was taken in hand is on trial. */
static void what_is_on_trial(void **state) {
    struct world *w = *state;
    struct worker_slot *slot;
    struct page *page = join_page(w, &slot);
    const uint64_t names[] = {5, 6};
    service_hold(w->service, names, 1);
    assert_false(atomic_load(&slot->on_trial));
    assert_int_equal(page_strike(page, 5, false, clock_monotonic_us()), 1);
    assert_int_equal(page_strike(page, 6, false, clock_monotonic_us()), 1);
    service_hold(w->service, names, 2);
    assert_false(atomic_load(&slot->on_trial));
    service_hold(w->service, names, 1);
    assert_true(atomic_load(&slot->on_trial));
    suspect_forgive(w->service, 5, P_OK);
    service_hold(w->service, names, 1);
    assert_false(atomic_load(&slot->on_trial));
    page_free(&page);
}

/* ---- events ---- */

static enum problem collected_of(struct arena *a, struct str body, struct request **out, struct work *w) {
    struct request *r = *out = request_of(a, METHOD_POST, "/v1/events");
    r->body = body;
    *w = (struct work){.request = r};
    assert_int_equal(json_parse(a, body, &r->json, &r->faults), P_OK);
    return events_collect(r, w);
}

#define EVENT(id) "{\"source\":\"s\",\"id\":\"" id "\",\"type\":\"t\",\"member\":\"m\"}"

static void one_event_is_one_item(void **state) {
    struct world *world = *state;
    struct arena *a = world->arena;
    struct request *r;
    struct work w;
    struct response out = {0};
    assert_int_equal(collected_of(a, STR(EVENT("i")), &r, &w), P_OK);
    assert_int_equal(w.n, 1);
    assert_false(w.array);
    assert_false(w.items->in_array);
    assert_text(w.items->event.id, "i");
    w.items->answer = STR("{\"a\":1}");
    w.items->replayed = true;
    events_answer(&w, &out);
    assert_int_equal(out.status, 200);
    assert_text(out.body, "{\"a\":1}");
    assert_true(out.replayed);
    w.items->problem = fault_say(&w.items->faults, P_ERASED, "gone");
    events_answer(&w, &out);
    assert_int_equal(out.status, 410);
    assert_non_null(strstr(str_z(a, out.body), "\"detail\":\"gone\""));
}

static void a_wrong_event_is_refused_with_its_pointers(void **state) {
    struct world *world = *state;
    struct arena *a = world->arena;
    struct request *r;
    struct work w;
    assert_int_equal(collected_of(a, STR("{\"source\":\"s\",\"id\":\"a/../b\",\"type\":\"t\",\"member\":7}"), &r, &w), P_VALIDATION);
    assert_int_equal(r->faults.list.n, 2);
    assert_text(r->faults.list.items[0].pointer, "/id");
    assert_text(r->faults.list.items[1].pointer, "/member");
    assert_int_equal(collected_of(a, STR("5"), &r, &w), P_VALIDATION);
    assert_text(r->faults.list.items[0].pointer, "");
}

/* SEMANTICS 6: one bad item is rejected alone. */
static void a_bad_item_of_an_array_is_rejected_alone(void **state) {
    struct world *world = *state;
    struct arena *a = world->arena;
    struct request *r;
    struct work w;
    struct response out = {0};
    assert_int_equal(collected_of(a, STR("[" EVENT("1") ",{\"source\":\"s\"}," EVENT("3") "]"), &r, &w), P_OK);
    assert_true(w.array);
    assert_int_equal(w.n, 3);
    assert_int_equal(w.items[1].problem, P_VALIDATION);
    w.items[0].answer = STR("{\"n\":1}");
    w.items[2].answer = STR("{\"n\":3}");
    events_answer(&w, &out);
    assert_int_equal(out.status, 200);
    const char *text = str_z(a, out.body);
    assert_int_equal(
        strncmp(text, "{\"data\":[{\"n\":1},{\"status\":\"rejected\",\"problem\":{\"type\":\"/problems/validation-failed\"", 83), 0);
    assert_non_null(strstr(text, "\"pointer\":\"/1/id\""));
    assert_non_null(strstr(text, "},{\"n\":3}]}"));
    /* what comes with a problem is not settled, and keeps it */
    settle_items(world->service, a, w.items + 1, 1, 0);
    assert_int_equal(w.items[1].problem, P_VALIDATION);
    assert_int_equal(w.items[1].faults.list.n, 3);
    /* SEMANTICS 6: the database went away in the middle: the retry of the whole replays what was done */
    w.items[2].problem = P_UNAVAILABLE;
    w.items[2].faults.retry_after = 1;
    events_answer(&w, &out);
    assert_int_equal(out.status, 503);
    assert_int_equal(out.retry_after, 1);
}

static struct str array_of(struct arena *a, size_t n, const char *item) {
    struct buf b = buf_new(a, SIZE_MAX);
    buf_c(&b, '[');
    for (size_t i = 0; i < n; i++) buf_f(&b, "%s%s", i > 0 ? "," : "", item);
    buf_c(&b, ']');
    return buf_str(&b);
}

/* SEMANTICS 7: an event is at most 16 KiB, an array 1,000 items. */
static void events_and_arrays_have_their_limits(void **state) {
    struct world *world = *state;
    struct arena *a = world->arena;
    struct request *r;
    struct work w;
    char *filler = arena_alloc(a, EVENT_BYTES_MAX + 1);
    struct response out = {0};
    assert_int_equal(collected_of(a, array_of(a, 1000, "1"), &r, &w), P_OK);
    assert_int_equal(w.n, 1000);
    assert_int_equal(collected_of(a, array_of(a, 1001, "1"), &r, &w), P_TOO_MANY_ITEMS);
    assert_int_equal(collected_of(a, array_of(a, 0, ""), &r, &w), P_OK);
    events_answer(&w, &out);
    assert_text(out.body, "{\"data\":[]}");
    for (size_t more = 0; more < 2; more++) {
        struct str without = STR("{\"source\":\"s\",\"id\":\"i\",\"type\":\"t\",\"member\":\"m\",\"data\":{\"x\":\"\"}}");
        memset(filler, 'x', EVENT_BYTES_MAX - without.n + more);
        filler[EVENT_BYTES_MAX - without.n + more] = '\0';
        struct str event = str_printf(a, "{\"source\":\"s\",\"id\":\"i\",\"type\":\"t\",\"member\":\"m\",\"data\":{\"x\":\"%s\"}}", filler);
        assert_int_equal(event.n, EVENT_BYTES_MAX + more);
        assert_int_equal(collected_of(a, event, &r, &w), more == 0 ? P_OK : P_BODY_TOO_LARGE);
        assert_int_equal(collected_of(a, array_of(a, 2, str_z(a, event)), &r, &w), P_OK);
        assert_int_equal(w.items[1].problem, more == 0 ? P_OK : P_BODY_TOO_LARGE);
    }
}

/* MECHANICS 4: an event that met a database that is away was not tried. */
static void a_suspect_event_is_not_forgiven_by_a_database_that_is_away(void **state) {
    struct world *world = *state;
    struct arena *a = world->arena;
    struct worker_slot *slot;
    struct page *page = join_page(world, &slot);
    struct request *r;
    struct work w;
    assert_int_equal(collected_of(a, STR(EVENT("i")), &r, &w), P_OK);
    w.items->deadline_us = INT64_MAX;
    settle_items(world->service, a, w.items, 1, 0);
    assert_int_equal(w.items->problem, P_UNAVAILABLE);
    assert_int_equal(page_strike(page, w.items->suspect, false, clock_monotonic_us()), 1);
    w.items->problem = P_OK;
    settle_items(world->service, a, w.items, 1, 0);
    assert_true(w.items->alone);
    settle_alone(world->service, a, w.items, 0);
    assert_int_equal(w.items->problem, P_UNAVAILABLE);
    assert_int_equal(strikes_of(page, w.items->suspect), 1);
    assert_true(atomic_load(&slot->on_trial));
    page_free(&page);
}

/* ---- the shape of an adjustment ---- */

static void an_adjustment_has_its_shape(void **state) {
    struct world *world = *state;
    struct arena *a = world->arena;
    static const struct {
        const char *body, *pointer; /* pointer NULL: it is right */
        enum problem problem;
    } cases[] = {
        {"{\"currency\":\"p\",\"amount\":-5,\"reason\":\"r\"}", NULL, P_OK},
        {"{\"currency\":\"p\",\"amount\":1000000000000000,\"reason\":\"r\",\"actor\":\"x\"}", NULL, P_OK},
        {"{\"currency\":\"p\",\"amount\":0,\"reason\":\"r\"}", "/amount", P_VALIDATION},
        {"{\"currency\":\"p\",\"amount\":1.5,\"reason\":\"r\"}", "/amount", P_VALIDATION},
        {"{\"currency\":\"p\",\"amount\":\"5\",\"reason\":\"r\"}", "/amount", P_VALIDATION},
        {"{\"currency\":\"p\",\"amount\":1000000000000001,\"reason\":\"r\"}", "/amount", P_NUMBER},
        {"{\"currency\":\"p\",\"amount\":5}", "/reason", P_VALIDATION},
        {"{\"currency\":\"p\",\"amount\":5,\"reason\":\"\"}", "/reason", P_VALIDATION},
        {"{\"currency\":\" \",\"amount\":5,\"reason\":\"r\"}", "/currency", P_VALIDATION},
        {"{\"currency\":\"p\",\"amount\":5,\"reason\":\"r\",\"more\":1}", "/more", P_VALIDATION},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct faults f = faults_new(a);
        struct json v;
        struct adjustment_in in;
        assert_int_equal(json_parse(a, str_of(cases[i].body), &v, &f), P_OK);
        assert_int_equal(shape_read(&adjustment_shape, &v, STR(""), a, &in, &f), cases[i].problem);
        assert_int_equal(f.list.n, cases[i].pointer != NULL);
        if (cases[i].pointer != NULL) assert_text(f.list.items[0].pointer, cases[i].pointer);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_service, tear_down_service)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_done_without_a_credential),
        TEST(without_a_database_a_credential_cannot_be_checked),
        TEST(a_member_token_is_read_before_its_key_is_looked_up),
        TEST(a_route_of_the_process_needs_nobody),
        TEST(refusals_are_answered_first),
        TEST(a_suspect_is_forgiven_when_it_was_really_tried),
        TEST(any_identical_request_that_gets_through_forgives),
        TEST(what_is_on_trial),
        TEST(one_event_is_one_item),
        TEST(a_wrong_event_is_refused_with_its_pointers),
        TEST(a_bad_item_of_an_array_is_rejected_alone),
        TEST(events_and_arrays_have_their_limits),
        TEST(a_suspect_event_is_not_forgiven_by_a_database_that_is_away),
        TEST(an_adjustment_has_its_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
