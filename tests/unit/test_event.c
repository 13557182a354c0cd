/* The native form of an event (SEMANTICS 1, 4 and 7; DESIGN 12 invariant 13: a pointer to each thing that is wrong). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"
#include "engine/event.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

#define assert_text(s, z) assert_string_equal(str_z(a, (s)), (z))
#define BASE              "\"source\":\"dialer\",\"id\":\"c-8841\",\"type\":\"call.completed\",\"member\":\"agent-17\""

static enum problem read_text(struct arena *a, struct str text, struct event *e, struct faults *faults) {
    struct json *v = NEW(a, struct json);
    *faults = faults_new(a);
    if (json_parse(a, text, v, faults) != P_OK) fail_msg("no JSON: " STR_FMT, STR_ARG(text));
    return event_read(a, v, STR("/3"), e, faults);
}

static struct event good(struct arena *a, struct str text) {
    struct event e;
    struct faults faults;
    if (read_text(a, text, &e, &faults) != P_OK)
        fail_msg(STR_FMT ": " STR_FMT, STR_ARG(faults.list.items[0].pointer), STR_ARG(faults.list.items[0].detail));
    return e;
}

/* Refused with exactly one fault, at the pointer. */
static void refused(struct arena *a, struct str text, const char *pointer) {
    struct event e;
    struct faults faults;
    if (read_text(a, text, &e, &faults) != P_VALIDATION) fail_msg("not refused: " STR_FMT, STR_ARG(text));
    assert_int_equal(faults.list.n, 1);
    assert_text(faults.list.items[0].pointer, pointer);
}

/* An event in which one member is another. */
static struct str with(struct arena *a, const char *name, const char *value) {
    static const char *const names[] = {"source", "id", "type", "member"};
    struct buf b = buf_new(a, 64 * 1024);
    for (size_t i = 0; i < COUNT(names); i++) buf_f(&b, "%c\"%s\":%s", i ? ',' : '{', names[i], strcmp(names[i], name) ? "\"x\"" : value);
    buf_c(&b, '}');
    return buf_str(&b);
}

static const char *quoted(struct arena *a, char c, size_t n) {
    struct buf b = buf_new(a, 64 * 1024);
    buf_c(&b, '"');
    for (size_t i = 0; i < n; i++) buf_c(&b, c);
    buf_c(&b, '"');
    return str_z(a, buf_str(&b));
}

static void a_whole_event_is_read(void **state) {
    struct arena *a = *state;
    struct event e = good(a, STR("{" BASE ",\"time\":\"2026-11-21T11:00:00.1239+01:00\",\"data\":{\"rating\":5},"
                                 "\"context\":{\"reference\":\"r-1\",\"description\":\"Call\",\"actor\":\"ann\",\"ip\":\"192.0.2.1\","
                                 "\"user_agent\":\"dialer/2\",\"metadata\":{\"queue\":[1,null]}}}"));
    assert_text(e.source, "dialer");
    assert_text(e.id, "c-8841");
    assert_text(e.type, "call.completed");
    assert_text(e.member, "agent-17");
    assert_true(e.time_sent);
    assert_int_equal(e.time_ms, INT64_C(1795255200123));
    assert_true(json_get(e.data, "rating")->number == 5);
    assert_text(json_to_text(a, e.context), "{\"reference\":\"r-1\",\"description\":\"Call\",\"actor\":\"ann\",\"ip\":\"192.0.2.1\","
                                            "\"user_agent\":\"dialer/2\",\"metadata\":{\"queue\":[1,null]}}");
}

/* SEMANTICS 4: the time may be absent, which is not the same as any time. */
static void what_is_optional_may_be_absent(void **state) {
    struct arena *a = *state;
    struct event e = good(a, STR("{" BASE "}"));
    assert_false(e.time_sent);
    assert_int_equal(e.time_ms, 0);
    assert_null(e.data);
    assert_null(e.context);
    e = good(a, STR("{" BASE ",\"data\":{},\"context\":{}}"));
    assert_int_equal(e.data->n, 0);
    assert_int_equal(e.context->n, 0);
}

/* SEMANTICS 1 */
static void ids_that_no_path_could_carry_are_refused(void **state) {
    struct arena *a = *state;
    static const char *const bad[] = {"\"\"",         "\".\"",        "\"..\"", "\"a/../b\"", "\"./a\"", "\"a/.\"",
                                      "\"a\\u0001\"", "\"a\\u007f\"", "5",      "null",       "[\"a\"]"};
    static const char *const fine[] = {"\"a.b\"", "\"...\"", "\"a/.../b\"", "\"https://crm.example/a?b=c\"", "\"zürich öl\"", "\"a//b\""};
    static const char *const names[] = {"source", "id", "member"};
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *pointer = str_z(a, str_printf(a, "/3/%s", names[i]));
        for (size_t k = 0; k < COUNT(bad); k++) refused(a, with(a, names[i], bad[k]), pointer);
        for (size_t k = 0; k < COUNT(fine); k++) good(a, with(a, names[i], fine[k]));
        good(a, with(a, names[i], quoted(a, 'x', ID_BYTES_MAX)));
        refused(a, with(a, names[i], quoted(a, 'x', ID_BYTES_MAX + 1)), pointer);
    }
}

static void a_type_is_a_text_of_its_own_length(void **state) {
    struct arena *a = *state;
    good(a, with(a, "type", "\"..\""));
    good(a, with(a, "type", quoted(a, 't', TYPE_BYTES_MAX)));
    refused(a, with(a, "type", quoted(a, 't', TYPE_BYTES_MAX + 1)), "/3/type");
    refused(a, with(a, "type", "\"\""), "/3/type");
    refused(a, with(a, "type", "\"a\\nb\""), "/3/type");
    refused(a, with(a, "type", "7"), "/3/type");
}

static void what_the_form_does_not_have_is_refused(void **state) {
    struct arena *a = *state;
    static const struct {
        const char *text, *pointer;
    } bad[] = {
        {"[]", "/3"},
        {"\"event\"", "/3"},
        {"null", "/3"},
        {"{\"id\":\"a\",\"type\":\"b\",\"member\":\"c\"}", "/3/source"},
        {"{\"source\":\"a\",\"type\":\"b\",\"member\":\"c\"}", "/3/id"},
        {"{\"source\":\"a\",\"id\":\"b\",\"member\":\"c\"}", "/3/type"},
        {"{\"source\":\"a\",\"id\":\"b\",\"type\":\"c\"}", "/3/member"},
        {"{" BASE ",\"points\":100}", "/3/points"}, /* requirement A11: what a client suggests is not taken */
        {"{" BASE ",\"a/b~c\":1}", "/3/a~1b~0c"},
        {"{" BASE ",\"time\":1795255200123}", "/3/time"},
        {"{" BASE ",\"time\":\"yesterday\"}", "/3/time"},
        {"{" BASE ",\"time\":\"2026-11-21T10:00:00\"}", "/3/time"},
        {"{" BASE ",\"time\":\"1999-12-31T23:59:59Z\"}", "/3/time"},
        {"{" BASE ",\"time\":null}", "/3/time"},
        {"{" BASE ",\"data\":[]}", "/3/data"},
        {"{" BASE ",\"data\":null}", "/3/data"},
        {"{" BASE ",\"context\":\"text\"}", "/3/context"},
        {"{" BASE ",\"context\":{\"colour\":\"red\"}}", "/3/context/colour"},
        {"{" BASE ",\"context\":{\"ip\":7}}", "/3/context/ip"},
        {"{" BASE ",\"context\":{\"description\":\"a\\u0007\"}}", "/3/context/description"},
        {"{" BASE ",\"context\":{\"metadata\":[]}}", "/3/context/metadata"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) refused(a, str_of(bad[i].text), bad[i].pointer);
}

static void all_faults_are_reported_together(void **state) {
    struct arena *a = *state;
    struct event e;
    struct faults faults;
    enum problem p =
        read_text(a, STR("{\"source\":\"..\",\"type\":\"\",\"member\":\"m\",\"context\":{\"ip\":1,\"x\":2},\"y\":3}"), &e, &faults);
    assert_int_equal(p, P_VALIDATION);
    static const char *const pointers[] = {"/3/source", "/3/type", "/3/context/ip", "/3/context/x", "/3/y", "/3/id"};
    assert_int_equal(faults.list.n, COUNT(pointers));
    for (size_t i = 0; i < COUNT(pointers); i++) assert_text(faults.list.items[i].pointer, pointers[i]);
}

/* SEMANTICS 7: 4 KiB of context, whatever white space it came with. */
static void the_context_is_limited(void **state) {
    struct arena *a = *state;
    enum { AROUND = sizeof "{\"ip\":\"\",\"metadata\":{}}" - 1 };
    for (size_t more = 0; more <= 1; more++) {
        const char *ip = quoted(a, 'x', CONTEXT_BYTES_MAX - AROUND + more);
        struct str text = str_printf(a, "{" BASE ",\"context\": { \"ip\" : %s , \"metadata\" : { } } }", ip);
        if (more) {
            refused(a, text, "/3/context");
        } else {
            assert_int_equal(json_to_text(a, good(a, text).context).n, CONTEXT_BYTES_MAX);
        }
    }
}

/* The description of the interface is made from the same tables. */
static void the_schema_names_the_members(void **state) {
    struct arena *a = *state;
    struct buf b = buf_new(a, SIZE_MAX);
    struct json_writer w = json_writer_of(&b);
    shape_schema(&event_shape, &w);
    struct json schema;
    struct faults faults = faults_new(a);
    assert_int_equal(json_parse(a, buf_str(&b), &schema, &faults), P_OK);
    const struct json *properties = json_get(&schema, "properties");
    assert_int_equal(properties->n, 7);
    assert_text(json_get(json_get(properties, "context"), "$ref")->string, "#/components/schemas/EventContext");
    assert_string_equal(event_context_shape.name, "EventContext");
    assert_text(json_to_text(a, json_get(&schema, "required")), "[\"source\",\"id\",\"type\",\"member\"]");
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(a_whole_event_is_read),
        TEST(what_is_optional_may_be_absent),
        TEST(ids_that_no_path_could_carry_are_refused),
        TEST(a_type_is_a_text_of_its_own_length),
        TEST(what_the_form_does_not_have_is_refused),
        TEST(all_faults_are_reported_together),
        TEST(the_context_is_limited),
        TEST(the_schema_names_the_members),
    };
    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
