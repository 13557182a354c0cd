/* Shapes (DESIGN 4; DESIGN 12, invariant 13: malformed input is refused with a pointer to what is wrong). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"
#include "base/shape.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

#define assert_text(s, z) assert_string_equal(str_z(a, (s)), (z))

struct step {
    struct str why;
    struct decimal multiply;
};
struct window {
    int64_t from, until;
    int64_t days;
};
struct thing {
    struct str name, code, id;
    int64_t count, metric, at;
    bool count_sent, window_sent, flag;
    struct decimal factor;
    int per;
    const struct json *any, *object;
    struct window window;
    struct shape_list steps, codes;
    uint32_t periods;
    int64_t custom;
};

#define AT(type, member) .offset = offsetof(struct type, member), .present = NOT_TRACKED

static const struct field step_fields[] = {
    {.name = "why", .type = F_STRING, AT(step, why), .lo = 0, .hi = 20},
    {.name = "multiply", .type = F_DECIMAL, .required = true, AT(step, multiply), .lo = 0, .hi = 1000000000},
};
static const struct shape step_shape = {.name = "Step", .size = sizeof(struct step), .fields = step_fields, .n_fields = COUNT(step_fields)};

static void window_check(struct shape_reading *r, const void *filled, struct str pointer) {
    const struct window *w = filled;
    if (w->until && w->until <= w->from) fault_add(r->faults, P_DEFINITION, pointer_child(r->arena, pointer, STR("until")), "ends early");
}
static const struct field window_fields[] = {
    {.name = "from", .type = F_TIME, .required = true, AT(window, from)},
    {.name = "until", .type = F_TIME, AT(window, until)},
    {.name = "days", .type = F_INTEGER, AT(window, days), .lo = 1, .hi = 31, .dflt = 7},
};
static const struct shape window_shape = {
    .name = "Window",
    .size = sizeof(struct window),
    .fields = window_fields,
    .n_fields = COUNT(window_fields),
    .doc = "A span of time.",
    .check = window_check,
};

static void read_custom(struct shape_reading *r, const struct json *v, struct str pointer, void *into) {
    if (v->type == JSON_STRING) {
        *(int64_t *)into = (int64_t)v->string.n;
    } else {
        fault_add(r->faults, P_AMOUNT_TOO_LARGE, pointer, "custom");
    }
}

static const char *const pers[] = {"hour", "day", "week", NULL};
static const struct field thing_fields[] = {
    {.name = "name", .type = F_STRING, .required = true, AT(thing, name), .lo = 1, .hi = 10, .doc = "Shown to people."},
    {.name = "code", .type = F_CODE, AT(thing, code)},
    {.name = "id", .type = F_PUBLIC_ID, AT(thing, id)},
    {.name = "count",
     .type = F_INTEGER,
     .offset = offsetof(struct thing, count),
     .present = offsetof(struct thing, count_sent),
     .lo = 1,
     .hi = 10,
     .dflt = 3},
    {.name = "metric", .type = F_THOUSANDTHS, AT(thing, metric), .lo = -METRIC_MAX, .hi = METRIC_MAX, .dflt = 1500},
    {.name = "at", .type = F_TIME, AT(thing, at)},
    {.name = "flag", .type = F_BOOL, AT(thing, flag), .dflt = 1},
    {.name = "factor", .type = F_DECIMAL, AT(thing, factor), .lo = -500000, .hi = 1000000000000, .dflt = 1250000},
    {.name = "per", .type = F_ENUM, AT(thing, per), .names = pers, .dflt = 1},
    {.name = "any", .type = F_JSON, AT(thing, any), .lo = 1, .hi = 20},
    {.name = "object", .type = F_JSON_OBJECT, AT(thing, object)},
    {.name = "window",
     .type = F_OBJECT,
     .offset = offsetof(struct thing, window),
     .present = offsetof(struct thing, window_sent),
     .sub = &window_shape},
    {.name = "steps", .type = F_LIST, AT(thing, steps), .sub = &step_shape, .lo = 1, .hi = 3},
    {.name = "codes", .type = F_CODES, AT(thing, codes), .lo = 0, .hi = 4},
    {.name = "periods", .type = F_ENUMS, AT(thing, periods), .names = pers, .lo = 1, .hi = 3, .dflt = 5},
    {.name = "custom", .type = F_CUSTOM, AT(thing, custom), .read = read_custom, .schema = "{\"type\":\"string\"}", .doc = "A text."},
};
static const struct shape thing_shape = {
    .name = "Thing", .size = sizeof(struct thing), .fields = thing_fields, .n_fields = COUNT(thing_fields), .doc = "A thing."};

static enum problem read_thing(struct arena *a, const char *text, struct thing *out, struct faults *faults) {
    struct faults none = faults_new(a);
    struct json *v = NEW(a, struct json);
    *faults = faults_new(a);
    assert_int_equal(json_parse(a, str_of(text), v, &none), P_OK);
    return shape_read(&thing_shape, v, STR(""), a, out, faults);
}

static void a_full_document_fills_the_struct(void **state) {
    struct arena *a = *state;
    struct thing t;
    struct faults faults;
    enum problem p =
        read_thing(a,
                   "{\"custom\":\"abc\",\"periods\":[\"week\",\"hour\"],\"codes\":[\"a\",\"b.c:d\"],"
                   "\"steps\":[{\"multiply\":1.15,\"why\":\"x\"},{\"multiply\":2}],\"window\":{\"from\":\"2026-11-21T10:00:00+01:00\"},"
                   "\"object\":{\"k\":1},\"any\":[1,null],\"per\":\"week\",\"factor\":-0.5,\"flag\":false,"
                   "\"at\":\"2026-11-21T10:00:00.1239Z\",\"metric\":76.5,\"count\":10,\"id\":\"dialer/7\",\"code\":\"c-1\",\"name\":\"n\"}",
                   &t, &faults);
    assert_int_equal(p, P_OK);
    assert_int_equal(faults.list.n, 0);
    assert_text(t.name, "n");
    assert_text(t.code, "c-1");
    assert_text(t.id, "dialer/7");
    assert_true(t.count == 10 && t.count_sent);
    assert_int_equal(t.metric, 76500);
    assert_int_equal(t.at, INT64_C(1795255200123));
    assert_false(t.flag);
    assert_int_equal(decimal_millionths(t.factor), -500000);
    assert_int_equal(t.per, 2);
    assert_text(json_to_text(a, t.any), "[1,null]");
    assert_text(json_to_text(a, t.object), "{\"k\":1}");
    assert_true(t.window_sent);
    assert_int_equal(t.window.from, INT64_C(1795251600000));
    assert_int_equal(t.window.days, 7);
    assert_int_equal(t.steps.n, 2);
    const struct step *steps = t.steps.items;
    assert_int_equal(decimal_millionths(steps[0].multiply), 1150000);
    assert_text(steps[0].why, "x");
    assert_int_equal(decimal_millionths(steps[1].multiply), 2000000);
    assert_int_equal(t.codes.n, 2);
    assert_text(((const struct str *)t.codes.items)[1], "b.c:d");
    assert_int_equal(t.periods, 1 | 4);
    assert_int_equal(t.custom, 3);
}

static void absent_members_have_their_defaults(void **state) {
    struct arena *a = *state;
    struct thing t;
    struct faults faults;
    assert_int_equal(read_thing(a, "{\"name\":\"n\"}", &t, &faults), P_OK);
    assert_true(t.count == 3 && !t.count_sent);
    assert_int_equal(t.metric, 1500);
    assert_int_equal(t.at, 0);
    assert_true(t.flag);
    assert_int_equal(decimal_millionths(t.factor), 1250000);
    assert_int_equal(t.per, 1);
    assert_null(t.any);
    assert_false(t.window_sent);
    assert_int_equal(t.window.days, 7);
    assert_int_equal(t.steps.n, 0);
    assert_int_equal(t.periods, 5);
    assert_int_equal(t.code.n, 0);
}

static void every_fault_names_its_place_and_its_rule(void **state) {
    struct arena *a = *state;
    static const struct {
        const char *member; /* added to a valid document */
        enum problem problem;
        const char *pointer, *detail;
    } cases[] = {
        {"\"nmae\":1", P_VALIDATION, "/nmae",
         "unknown member; known are: name, code, id, count, metric, at, flag, factor, per, any, object, window, steps, codes, periods, "
         "custom"},
        {"\"a/b\":1", P_VALIDATION, "/a~1b", NULL},
        {"\"\":1", P_VALIDATION, "/", NULL},
        {"\"code\":5", P_VALIDATION, "/code", "must be a string, not number"},
        {"\"code\":\"-x\"", P_VALIDATION, "/code",
         "must be a code: a letter or digit, then letters, digits, '.', '_', '-' or ':', at most 64 in all"},
        {"\"code\":null", P_VALIDATION, "/code", "must be a string, not null"},
        {"\"id\":\"a/../b\"", P_VALIDATION, "/id", "must have 1 to 128 bytes, no control characters and no segment '.' or '..'"},
        {"\"count\":0", P_VALIDATION, "/count", "must be an integer from 1 to 10"},
        {"\"count\":11", P_VALIDATION, "/count", "must be an integer from 1 to 10"},
        {"\"count\":1.5", P_VALIDATION, "/count", "must be an integer from 1 to 10"},
        {"\"count\":\"5\"", P_VALIDATION, "/count", "must be an integer from 1 to 10"},
        {"\"count\":true", P_VALIDATION, "/count", NULL},
        {"\"count\":1000000000000000", P_VALIDATION, "/count", NULL},
        {"\"count\":1000000000000001", P_NUMBER, "/count", "must be an integer from 1 to 10"},
        {"\"count\":-1e300", P_NUMBER, "/count", NULL},
        {"\"metric\":1.0005", P_VALIDATION, "/metric",
         "must be a number from -1000000000000 to 1000000000000 with at most 3 decimal places"},
        {"\"metric\":1000000000001", P_VALIDATION, "/metric", NULL},
        {"\"metric\":1e16", P_NUMBER, "/metric", NULL},
        {"\"metric\":\"1\"", P_VALIDATION, "/metric", NULL},
        {"\"factor\":-0.500001", P_VALIDATION, "/factor", "must be a number from -0.5 to 1000000 with at most 6 decimal places"},
        {"\"factor\":0.1234567", P_VALIDATION, "/factor", NULL},
        {"\"flag\":0", P_VALIDATION, "/flag", "must be true or false"},
        {"\"at\":\"yesterday\"", P_VALIDATION, "/at", "must be a time as in RFC 3339, such as 2026-11-21T10:00:00.000Z"},
        {"\"at\":\"1999-12-31T23:59:59Z\"", P_VALIDATION, "/at", "must be a time from 2000-01-01 to 2100-01-01"},
        {"\"at\":1795255200", P_VALIDATION, "/at", "must be a string, not number"},
        {"\"per\":\"month\"", P_VALIDATION, "/per", "must be one of: hour, day, week"},
        {"\"per\":1", P_VALIDATION, "/per", NULL},
        {"\"any\":\"1234567890123456789\"", P_VALIDATION, "/any", "must have 1 to 20 bytes, written compactly; it has 21"},
        {"\"object\":[]", P_VALIDATION, "/object", "must be an object"},
        {"\"window\":[]", P_VALIDATION, "/window", "must be an object, not array"},
        {"\"window\":{}", P_VALIDATION, "/window/from", "is required"},
        {"\"window\":{\"from\":\"2026-01-02T00:00:00Z\",\"until\":\"2026-01-01T00:00:00Z\"}", P_DEFINITION, "/window/until", "ends early"},
        {"\"window\":{\"from\":\"2026-01-02T00:00:00Z\",\"x\":1}", P_VALIDATION, "/window/x",
         "unknown member; known are: from, until, days"},
        {"\"steps\":{}", P_VALIDATION, "/steps", "must be an array"},
        {"\"steps\":[]", P_VALIDATION, "/steps", "must have 1 to 3 items; it has 0"},
        {"\"steps\":[{\"multiply\":1},{\"multiply\":1},{\"multiply\":1},4]", P_VALIDATION, "/steps", "must have 1 to 3 items; it has 4"},
        {"\"steps\":[{\"multiply\":1},{\"multiply\":-1}]", P_VALIDATION, "/steps/1/multiply",
         "must be a number from 0 to 1000 with at most 6 decimal places"},
        {"\"steps\":[{\"multiply\":1,\"why\":\"\\u0007\"}]", P_VALIDATION, "/steps/0/why", "must have no control characters"},
        {"\"codes\":[\"a\",\"b\",\"a\"]", P_VALIDATION, "/codes/2", "stands in the list twice"},
        {"\"codes\":[\"a\",7]", P_VALIDATION, "/codes/1", "must be a string, not number"},
        {"\"periods\":[\"day\",\"day\"]", P_VALIDATION, "/periods/1", "stands in the list twice"},
        {"\"periods\":[\"daily\"]", P_VALIDATION, "/periods/0", "must be one of: hour, day, week"},
        {"\"custom\":1", P_AMOUNT_TOO_LARGE, "/custom", "custom"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct thing t;
        struct faults faults;
        const char *text = str_z(a, str_printf(a, "{\"name\":\"n\",%s}", cases[i].member));
        enum problem p = read_thing(a, text, &t, &faults);
        if (p != cases[i].problem || faults.list.n != 1) fail_msg("problem %d, %zu faults: %s", p, faults.list.n, text);
        assert_int_equal(faults.list.items[0].problem, cases[i].problem);
        assert_text(faults.list.items[0].pointer, cases[i].pointer);
        if (cases[i].detail) assert_text(faults.list.items[0].detail, cases[i].detail);
    }
}

static void all_faults_are_collected_and_the_first_decides(void **state) {
    struct arena *a = *state;
    struct thing t;
    struct faults faults;
    enum problem p = read_thing(a,
                                "{\"count\":1e20,\"bad\":1,\"steps\":[{},{\"multiply\":1,\"why\":5}],"
                                "\"window\":{\"from\":\"2026-01-02T00:00:00Z\",\"until\":\"2026-01-01T00:00:00Z\",\"days\":32}}",
                                &t, &faults);
    static const char *const pointers[] = {"/count", "/bad", "/steps/0/multiply", "/steps/1/why", "/window/days", "/window/until", "/name"};
    assert_int_equal(p, P_NUMBER);
    assert_int_equal(faults.list.n, COUNT(pointers));
    for (size_t i = 0; i < COUNT(pointers); i++) assert_text(faults.list.items[i].pointer, pointers[i]);
    assert_text(faults.list.items[6].detail, "is required");

    /* What is refused already is not told again by the check of several fields. */
    p = read_thing(a, "{\"name\":\"n\",\"window\":{\"from\":\"2026-01-02T00:00:00Z\",\"until\":7}}", &t, &faults);
    assert_int_equal(p, P_VALIDATION);
    assert_int_equal(faults.list.n, 1);
    assert_text(faults.list.items[0].pointer, "/window/until");

    p = read_thing(a, "[]", &t, &faults);
    assert_int_equal(p, P_VALIDATION);
    assert_text(faults.list.items[0].pointer, "");
    assert_text(faults.list.items[0].detail, "must be an object, not array");
}

static void a_pointer_can_begin_within_a_larger_document(void **state) {
    struct arena *a = *state;
    struct faults faults = faults_new(a);
    struct json v;
    struct step step;
    assert_int_equal(json_parse(a, STR("{\"why\":1,\"multiply\":1}"), &v, &faults), P_OK);
    assert_int_equal(shape_read(&step_shape, &v, STR("/data/3"), a, &step, &faults), P_VALIDATION);
    assert_text(faults.list.items[0].pointer, "/data/3/why");
    assert_int_equal(shape_read(&step_shape, &v, STR("/data/4"), a, &step, &faults), P_VALIDATION);
    assert_text(faults.list.items[1].pointer, "/data/4/why");
}

static void very_many_faults_are_counted_not_kept(void **state) {
    struct arena *a = *state;
    struct buf b = buf_new(a, 4 * 1024 * 1024);
    buf_z(&b, "{\"name\":\"n\"");
    for (int i = 0; i < 100000; i++) buf_f(&b, ",\"x%d\":1", i);
    buf_c(&b, '}');
    struct faults faults;
    struct thing t;
    const char *text = str_z(a, buf_str(&b));
    assert_int_equal(read_thing(a, text, &t, &faults), P_VALIDATION);
    assert_int_equal(faults.list.n, FAULTS_MAX);
    assert_int_equal(faults.more, 100000 - FAULTS_MAX);
    size_t used = arena_used(a);
    struct json v;
    struct faults more = faults;
    assert_int_equal(json_parse(a, STR("{\"name\":5}"), &v, &more), P_OK);
    assert_int_equal(shape_read(&thing_shape, &v, STR(""), a, &t, &more), P_VALIDATION);
    assert_true(arena_used(a) - used < 1000);
}

static void the_schema_says_what_the_shape_takes(void **state) {
    struct arena *a = *state;
    struct buf b = buf_new(a, 65536);
    struct json_writer w = json_writer_of(&b);
    shape_schema(&thing_shape, &w);
    assert_text(
        buf_str(&b),
        "{\"type\":\"object\",\"description\":\"A thing.\",\"additionalProperties\":false,\"required\":[\"name\"],\"properties\":{"
        "\"name\":{\"description\":\"Shown to people.\",\"type\":\"string\",\"minLength\":1,\"maxLength\":10,"
        "\"pattern\":\"^[^\\\\u0000-\\\\u001f\\\\u007f-\\\\u009f]*$\"},"
        "\"code\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9][A-Za-z0-9._:-]*$\",\"maxLength\":64},"
        "\"id\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":128,\"pattern\":\"^[^\\\\u0000-\\\\u001f\\\\u007f-\\\\u009f]*$\"},"
        "\"count\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":10},"
        "\"metric\":{\"type\":\"number\",\"minimum\":-1000000000000,\"maximum\":1000000000000,\"default\":1.5},"
        "\"at\":{\"type\":\"string\",\"format\":\"date-time\"},"
        "\"flag\":{\"type\":\"boolean\",\"default\":true},"
        "\"factor\":{\"type\":\"number\",\"minimum\":-0.5,\"maximum\":1000000,\"default\":1.25},"
        "\"per\":{\"enum\":[\"hour\",\"day\",\"week\"],\"default\":\"day\"},"
        "\"any\":{},"
        "\"object\":{\"type\":\"object\"},"
        "\"window\":{\"$ref\":\"#/components/schemas/Window\"},"
        "\"steps\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":3,\"items\":{\"$ref\":\"#/components/schemas/Step\"}},"
        "\"codes\":{\"type\":\"array\",\"minItems\":0,\"maxItems\":4,\"uniqueItems\":true,"
        "\"items\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9][A-Za-z0-9._:-]*$\",\"maxLength\":64}},"
        "\"periods\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":3,\"uniqueItems\":true,"
        "\"items\":{\"enum\":[\"hour\",\"day\",\"week\"]},\"default\":[\"hour\",\"week\"]},"
        "\"custom\":{\"description\":\"A text.\",\"type\":\"string\"}}}");
    struct faults faults = faults_new(a);
    struct json v;
    assert_int_equal(json_parse(a, buf_str(&b), &v, &faults), P_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_document_fills_the_struct, set_up, tear_down),
        cmocka_unit_test_setup_teardown(absent_members_have_their_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_fault_names_its_place_and_its_rule, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_faults_are_collected_and_the_first_decides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pointer_can_begin_within_a_larger_document, set_up, tear_down),
        cmocka_unit_test_setup_teardown(very_many_faults_are_counted_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_schema_says_what_the_shape_takes, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
