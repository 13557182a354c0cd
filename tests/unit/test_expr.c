/* Expressions: the official JsonLogic cases, golden cases of our own (tests/golden/expr), limits, places (SEMANTICS 9; DESIGN 12
 * invariants 6 and 13; ENCODINGS "Random amounts"). Run from the root of the repository. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/limits.h"
#include "engine/expr.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

static const struct key32 key = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31}};

#define assert_text(s, z) assert_string_equal(str_z(a, (s)), (z))

static struct json parsed(struct arena *a, struct str text) {
    struct faults faults = faults_new(a);
    struct json v;
    if (json_parse(a, text, &v, &faults)) fail_msg(STR_FMT ": " STR_FMT, STR_ARG(faults.list.items[0].detail), STR_ARG(text));
    return v;
}

static struct json read_cases(struct arena *a, const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("cannot read %s", path);
    char *text = arena_alloc(a, 1 << 20);
    size_t n = fread(text, 1, 1 << 20, f);
    fclose(f);
    struct json cases = parsed(a, (struct str){text, n});
    assert_int_equal(cases.type, JSON_ARRAY);
    return cases;
}

/* Calls `check` with each case; texts between them are headings. */
static size_t each_case(struct arena *a, const char *path, void (*check)(struct arena *a, const struct json *c)) {
    struct json cases = read_cases(a, path);
    size_t n = 0;
    for (uint32_t i = 0; i < cases.n; i++) {
        if (cases.items[i].type != JSON_ARRAY) continue;
        check(a, &cases.items[i]);
        n++;
    }
    return n;
}

static struct expr *compiled(struct arena *a, const struct json *source) {
    struct faults faults = faults_new(a);
    uint32_t rands = 0;
    struct expr *e;
    if (expr_compile(a, source, STR(""), NULL, &rands, &e, &faults))
        fail_msg("refused: " STR_FMT ": " STR_FMT, STR_ARG(json_to_text(a, source)), STR_ARG(faults.list.items[0].detail));
    return e;
}

static struct expr_scope scope_of(const struct json *data) {
    return (struct expr_scope){.ctx = (void *)(uintptr_t)data, .lookup = expr_json_lookup};
}

static void check_stop(struct arena *a, const struct json *source, const struct json *fault, const struct expr_stop *why) {
    assert_string_equal(why->what, str_z(a, json_get(fault, "fault")->string));
    assert_text(expr_place_pointer(a, source, STR(""), why->place), str_z(a, json_get(fault, "at")->string));
}

static void check_value(struct arena *a, const struct json *source, const struct expr_scope *scope, const struct json *expected) {
    struct expr *e = compiled(a, source);
    struct json value;
    struct expr_stop why;
    bool stops = json_get(expected, "fault");
    if (expr_eval(e, scope, a, &value, &why) == EXPR_FAULT) {
        if (!stops) fail_msg("stopped (%s): " STR_FMT, why.what, STR_ARG(json_to_text(a, source)));
        assert_int_equal(value.type, JSON_NULL);
        check_stop(a, source, expected, &why);
    } else if (stops || !json_equal(&value, expected)) {
        fail_msg(STR_FMT " is " STR_FMT ", not " STR_FMT, STR_ARG(json_to_text(a, source)), STR_ARG(json_to_text(a, &value)),
                 STR_ARG(json_to_text(a, expected)));
    }
}

static void check_plain(struct arena *a, const struct json *c) {
    assert_int_equal(c->n, 3);
    struct expr_scope scope = scope_of(&c->items[1]);
    check_value(a, &c->items[0], &scope, &c->items[2]);
}

static void official_cases_of_jsonlogic(void **state) {
    const char *path = getenv("JSONLOGIC_TESTS");
    if (path && strcmp(path, "none") == 0) skip();
    assert_int_equal(each_case(*state, path ? path : "../shared/data/jsonlogic-tests.json", check_plain), 277);
}

static void values_of_every_operator(void **state) {
    assert_in_range(each_case(*state, "tests/golden/expr/values.json", check_plain), 150, 1000);
}

static void check_clock(struct arena *a, const struct json *c) {
    assert_int_equal(c->n, 4);
    struct expr_scope scope = scope_of(&c->items[1]);
    if (c->items[3].type == JSON_STRING) assert_non_null(scope.zone = zone_find(c->items[3].string));
    check_value(a, &c->items[0], &scope, &c->items[2]);
}

static void hour_and_day_of_week_in_zones(void **state) {
    assert_int_equal(each_case(*state, "tests/golden/expr/clock.json", check_clock), 30);
}

static void check_rand(struct arena *a, const struct json *c) {
    assert_int_equal(c->n, 3);
    struct expr_scope scope = {.random_key = &key, .source = STR("dialer"), .id = c->items[1].string, .rule = STR("lucky-call")};
    check_value(a, &c->items[0], &scope, &c->items[2]);
    check_value(a, &c->items[0], &scope, &c->items[2]); /* a retry gets the same number */
}

static void rand_comes_from_the_identity_and_its_number(void **state) {
    assert_int_equal(each_case(*state, "tests/golden/expr/rand.json", check_rand), 8);
}

/* The numbers go on from expression to expression of a rule, in document order, also where a branch is never taken. */
static void rand_is_numbered_over_a_rule(void **state) {
    struct arena *a = *state;
    struct json when = parsed(a, STR("{\"if\":[false,{\"rand\":[1,1000]},true]}")), amount = parsed(a, STR("{\"rand\":[1,1000]}"));
    struct expr_scope scope = {.random_key = &key, .source = STR("dialer"), .id = STR("c-1"), .rule = STR("lucky-call")};
    struct faults faults = faults_new(a);
    struct expr *first, *second;
    struct json value;
    struct expr_stop why;
    uint32_t rands = 1;
    assert_int_equal(expr_compile(a, &when, STR(""), NULL, &rands, &first, &faults), P_OK);
    assert_int_equal(rands, 2);
    assert_int_equal(expr_compile(a, &amount, STR(""), NULL, &rands, &second, &faults), P_OK);
    assert_int_equal(rands, 3);
    assert_int_equal(expr_eval(second, &scope, a, &value, &why), EXPR_OK);
    assert_true(value.number == 264); /* n = 2, see tests/golden/expr/rand.json */
    assert_int_equal(expr_compile(a, &amount, STR("/when"), NULL, NULL, &second, &faults), P_DEFINITION);
    assert_null(second);
    assert_text(faults.list.items[0].pointer, "/when");
    assert_text(faults.list.items[0].detail, "there are no random numbers here");
}

static void check_condition(struct arena *a, const struct json *c) {
    assert_int_equal(c->n, 4 - (c->items[2].type == JSON_OBJECT));
    struct expr_scope scope = scope_of(&c->items[1]);
    struct expr_stop why;
    bool passed = true;
    uint16_t failing = UINT16_MAX;
    if (expr_test(compiled(a, &c->items[0]), &scope, a, &passed, &failing, &why) == EXPR_FAULT) {
        assert_false(passed);
        check_stop(a, &c->items[0], &c->items[2], &why);
        return;
    }
    assert_int_equal(passed, c->items[2].boolean);
    if (!passed) assert_text(expr_place_pointer(a, &c->items[0], STR(""), failing), str_z(a, c->items[3].string));
}

static void conditions_name_the_failing_part(void **state) {
    assert_int_equal(each_case(*state, "tests/golden/expr/conditions.json", check_condition), 18);
}

static bool known_name(void *ctx, struct str name, const char **why) {
    static const char *const metrics[] = {"metric.calls", "metric.calls.day", "metric.calls.week", "metric.calls.month"};
    static const char *const roots[] = {"event.type", "event.time", "member.type"};
    static const char *const prefixes[] = {"event.data.", "member.attributes.", "member.groups.", "member.level.", "streak."};
    assert_ptr_equal(ctx, &key);
    for (size_t i = 0; i < COUNT(metrics); i++)
        if (str_is(name, metrics[i])) return true;
    for (size_t i = 0; i < COUNT(roots); i++)
        if (str_is(name, roots[i])) return true;
    for (size_t i = 0; i < COUNT(prefixes); i++)
        if (str_starts(name, prefixes[i])) return true;
    *why = str_starts(name, "metric.") ? "names no metric" : "is not known";
    return false;
}

static const struct expr_names names = {(void *)(uintptr_t)&key, known_name};

/* Invariant 13: every fault of a document, each with its pointer, nothing else. */
static void check_refused(struct arena *a, const struct json *c) {
    struct faults faults = faults_new(a);
    uint32_t rands = 0;
    struct expr *e;
    const struct json *expected = &c->items[1];
    if (expr_compile(a, &c->items[0], STR("/when"), &names, &rands, &e, &faults) != P_DEFINITION)
        fail_msg("not refused: " STR_FMT, STR_ARG(json_to_text(a, &c->items[0])));
    assert_null(e);
    for (size_t i = 0; i < faults.list.n; i++) {
        const struct fault *f = &faults.list.items[i];
        const struct json *detail = json_find(expected, f->pointer);
        assert_int_equal(f->problem, P_DEFINITION);
        if (!detail || !str_eq(detail->string, f->detail))
            fail_msg(STR_FMT ": " STR_FMT ": " STR_FMT, STR_ARG(json_to_text(a, &c->items[0])), STR_ARG(f->pointer), STR_ARG(f->detail));
    }
    assert_int_equal(faults.list.n, expected->n);
}

static void what_is_wrong_is_refused_with_pointers(void **state) {
    assert_int_equal(each_case(*state, "tests/golden/expr/refused.json", check_refused), 64);
}

static uint32_t bits_of(struct arena *a, const struct json *list) {
    static const char *const words[] = {"event", "member_type", "profile", "level", "metric", "periods", "streak", "computed", "rand"};
    uint32_t bits = 0;
    for (uint32_t i = 0; i < list->n; i++) {
        size_t bit = 0;
        while (bit < COUNT(words) && !str_is(list->items[i].string, words[bit])) bit++;
        if (bit == COUNT(words)) fail_msg("%s", str_z(a, list->items[i].string));
        bits |= 1u << bit;
    }
    return bits;
}

static void check_names(struct arena *a, const struct json *c) {
    struct faults faults = faults_new(a);
    uint32_t rands = 5;
    struct expr *e;
    if (expr_compile(a, &c->items[0], STR("/when"), &names, &rands, &e, &faults))
        fail_msg(STR_FMT ": " STR_FMT, STR_ARG(json_to_text(a, &c->items[0])), STR_ARG(faults.list.items[0].detail));
    assert_int_equal(expr_names_count(e), c->items[1].n);
    for (uint32_t i = 0; i < c->items[1].n; i++) assert_text(expr_name(e, i), str_z(a, c->items[1].items[i].string));
    assert_int_equal(expr_uses(e), bits_of(a, &c->items[2]));
    assert_int_equal(rands, 5 + (int)c->items[3].number);
}

static void names_and_needs(void **state) { assert_int_equal(each_case(*state, "tests/golden/expr/names.json", check_names), 32); }

/* limits */

static struct json list_of(struct arena *a, uint32_t n) {
    struct json *items = NEW_ARRAY(a, struct json, n);
    for (uint32_t i = 0; i < n; i++) items[i] = json_num(1);
    return (struct json){.type = JSON_ARRAY, .n = n, .items = items};
}

static struct json text_of(struct arena *a, size_t n) { return json_text((struct str){memset(arena_alloc(a, n), 'x', n), n}); }

static struct json operator_of(struct arena *a, struct str name, struct json arg) {
    struct json_member *m = NEW(a, struct json_member);
    *m = (struct json_member){name, arg};
    return (struct json){.type = JSON_OBJECT, .n = 1, .members = m};
}

static void assert_limit(struct arena *a, const struct json *source, const char *pointer, const char *detail) {
    struct faults faults = faults_new(a);
    struct expr *e;
    enum problem p = expr_compile(a, source, STR("/grant/0/amount"), NULL, NULL, &e, &faults);
    assert_int_equal(p, detail ? P_DEFINITION : P_OK);
    assert_int_equal(faults.list.n, detail ? 1 : 0);
    if (!detail) return;
    assert_text(faults.list.items[0].pointer, pointer);
    assert_text(faults.list.items[0].detail, detail);
}

static void limit_of_nodes(void **state) {
    struct arena *a = *state;
    struct json list = list_of(a, EXPR_NODES_MAX - 2);
    struct json source = operator_of(a, STR("+"), list);
    assert_limit(a, &source, NULL, NULL);
    list = list_of(a, EXPR_NODES_MAX - 1);
    source = operator_of(a, STR("+"), list);
    assert_limit(a, &source, "/grant/0/amount", "an expression has at most 500 values");
}

static void limit_of_depth(void **state) {
    struct arena *a = *state;
    struct json source = {.type = JSON_BOOL};
    struct buf pointer = buf_new(a, 1024);
    buf_z(&pointer, "/grant/0/amount");
    for (int depth = 1; depth < EXPR_DEPTH_MAX; depth++) source = operator_of(a, STR("!"), source);
    assert_limit(a, &source, NULL, NULL);
    source = operator_of(a, STR("!"), source);
    for (int depth = 1; depth <= EXPR_DEPTH_MAX; depth++) buf_z(&pointer, "/!");
    assert_limit(a, &source, str_z(a, buf_str(&pointer)), "an expression is nested at most 32 deep");
}

/* With l and s in the data: the number, or the length of the text or array; -1 and the stop where there is one. */
static int64_t run(struct arena *a, struct str source_text, struct json l, struct json s, struct expr_stop *why) {
    struct json source = parsed(a, source_text), value;
    struct json_member members[] = {{STR("l"), l}, {STR("s"), s}};
    struct json data = {.type = JSON_OBJECT, .n = 2, .members = members};
    struct expr_scope scope = scope_of(&data);
    *why = (struct expr_stop){"", 0};
    if (expr_eval(compiled(a, &source), &scope, a, &value, why) == EXPR_FAULT) return -1;
    if (value.type == JSON_NUMBER) return (int64_t)value.number;
    return value.type == JSON_STRING ? (int64_t)value.string.n : value.type == JSON_BOOL ? value.boolean : (int64_t)value.n;
}

static void assert_stops(struct arena *a, struct str source, struct json l, struct json s, const char *what, int place) {
    struct expr_stop why;
    assert_int_equal(run(a, source, l, s, &why), -1);
    assert_string_equal(why.what, what);
    assert_int_equal(why.place, place);
}

static void limit_of_steps(void **state) {
    struct arena *a = *state;
    struct str all = STR("{\"all\":[{\"var\":\"l\"},{\"var\":\"\"}]}"); /* all, var l, and one per item */
    struct json none = {0};
    struct expr_stop why;
    assert_int_equal(run(a, all, list_of(a, EXPR_STEPS_MAX - 2), none, &why), 1);
    assert_stops(a, all, list_of(a, EXPR_STEPS_MAX - 1), none, "more steps than an expression may take", 4);
    /* loops within loops multiply */
    struct str nested = STR("{\"map\":[{\"var\":\"l\"},{\"map\":[{\"var\":\"\"},{\"map\":[{\"var\":\"\"},1]}]}]}");
    struct json *inner = NEW_ARRAY(a, struct json, 100);
    for (int i = 0; i < 100; i++) inner[i] = list_of(a, 1000);
    struct json outer = {.type = JSON_ARRAY, .n = 100, .items = inner};
    assert_stops(a, nested, outer, none, "more steps than an expression may take", 8);
}

/* What a client sends decides how much there is to look at: a run pays for it, so that a bound on steps is one on time. */
static void steps_are_as_many_as_the_work(void **state) {
    struct arena *a = *state;
    struct buf b = buf_new(a, 64 * 1024);
    buf_z(&b, "{\"x\":0.1,\"half\":[0.5,0.25,0.125],\"many\":{\"m0\":0");
    for (int i = 1; i < 800; i++) buf_f(&b, ",\"m%d\":0", i);
    buf_z(&b, "}}");
    struct json data = parsed(a, buf_str(&b)), value;
    static const struct {
        struct str source;
        uint32_t steps;
    } cases[] = {
        {STR("{\"var\":\"x\"}"), 1},
        {STR("{\"var\":\"many.m799\"}"), 1 + 803 / 8},
        {STR("{\"missing\":[\"many.m1\",\"many.n\"]}"), 1 + 2 + 2 * (1 + 803 / 8)}, /* its two names are nodes */
        {STR("{\"var\":\"many\"}"), 1 + 801 / 8},                                   /* the values of the result */
        {STR("{\"cat\":[{\"var\":\"x\"}]}"), 2 + 16},
        {STR("{\"cat\":[{\"var\":\"half\"}]}"), 2 + 3 * 16},
        {STR("{\"rand\":[1,6]}"), 1 + 32},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json source = parsed(a, cases[i].source);
        struct expr_scope scope = scope_of(&data);
        struct expr_stop why;
        uint32_t steps = 0;
        scope.steps = &steps;
        scope.random_key = &key;
        assert_int_equal(expr_eval(compiled(a, &source), &scope, a, &value, &why), EXPR_OK);
        if (steps != cases[i].steps) fail_msg(STR_FMT " took %u steps", STR_ARG(cases[i].source), steps);
    }
}

static void limit_of_texts(void **state) {
    struct arena *a = *state;
    struct str cat = STR("{\"cat\":[{\"var\":\"s\"},\"x\"]}");
    struct json none = {0};
    struct expr_stop why;
    assert_int_equal(run(a, cat, none, text_of(a, EXPR_STRING_MAX - 1), &why), EXPR_STRING_MAX);
    assert_stops(a, cat, none, text_of(a, EXPR_STRING_MAX), "a text longer than an expression may make", 0);
    /* an array of 8,192 letters is 16,383 bytes as a text */
    struct json *items = NEW_ARRAY(a, struct json, 8193), letters = {.type = JSON_ARRAY, .n = 8193, .items = items};
    for (uint32_t i = 0; i < letters.n; i++) items[i] = text_of(a, 1);
    assert_stops(a, STR("{\"==\":[{\"var\":\"l\"},\"x\"]}"), letters, none, "a text longer than an expression may make", 0);
    letters.n--;
    assert_int_equal(run(a, STR("{\"cat\":[{\"var\":\"l\"},\"x\"]}"), letters, none, &why), EXPR_STRING_MAX);
}

static void limit_of_arrays(void **state) {
    struct arena *a = *state;
    static const struct {
        struct str source;
        uint32_t most; /* items of l */
    } makers[] = {
        {STR("{\"map\":[{\"var\":\"l\"},0]}"), EXPR_ARRAY_MAX},          {STR("{\"filter\":[{\"var\":\"l\"},1]}"), EXPR_ARRAY_MAX},
        {STR("{\"merge\":[{\"var\":\"l\"},0]}"), EXPR_ARRAY_MAX - 1},    {STR("{\"missing\":{\"var\":\"l\"}}"), EXPR_ARRAY_MAX},
        {STR("{\"missing_some\":[1,{\"var\":\"l\"}]}"), EXPR_ARRAY_MAX},
    };
    struct json none = {0};
    struct expr_stop why;
    for (size_t i = 0; i < COUNT(makers); i++) {
        assert_int_equal(run(a, makers[i].source, list_of(a, makers[i].most), none, &why), EXPR_ARRAY_MAX);
        assert_stops(a, makers[i].source, list_of(a, makers[i].most + 1), none, "an array longer than an expression may make", 0);
    }
    /* what is only read may be longer */
    assert_int_equal(run(a, STR("{\"some\":[{\"var\":\"l\"},1]}"), list_of(a, EXPR_ARRAY_MAX + 1), none, &why), 1);
}

static void limit_of_results(void **state) {
    struct arena *a = *state;
    struct str wrap = STR("{\"reduce\":[{\"var\":\"l\"},[{\"var\":\"accumulator\"}],0]}");
    struct str twice = STR("{\"reduce\":[{\"var\":\"l\"},[{\"var\":\"accumulator\"},{\"var\":\"accumulator\"}],0]}");
    struct str text_of_twice = STR("{\"cat\":{\"reduce\":[{\"var\":\"l\"},[{\"var\":\"accumulator\"},{\"var\":\"accumulator\"}],null]}}");
    struct str text_of_wrap = STR("{\"cat\":{\"reduce\":[{\"var\":\"l\"},[{\"var\":\"accumulator\"}],0]}}");
    struct json none = {0};
    struct expr_stop why;
    assert_int_equal(run(a, wrap, list_of(a, EXPR_DEPTH_MAX - 1), none, &why), 1);
    assert_stops(a, wrap, list_of(a, EXPR_DEPTH_MAX), none, "a result too large or nested too deep", 0);
    assert_int_equal(run(a, twice, list_of(a, 13), none, &why), 2); /* 2^14 − 1 values */
    assert_stops(a, twice, list_of(a, 14), none, "a result too large or nested too deep", 0);
    assert_stops(a, twice, list_of(a, 1000), none, "a result too large or nested too deep", 0);
    assert_stops(a, text_of_twice, list_of(a, 31), none, "a text longer than an expression may make", 0);
    assert_int_equal(run(a, text_of_wrap, list_of(a, EXPR_DEPTH_MAX), none, &why), 1);
    assert_stops(a, text_of_wrap, list_of(a, EXPR_DEPTH_MAX + 1), none, "an array nested too deep to be a text", 0);
}

/* A text of 16 KiB per item, a thousand items, in a loop over all of them again: stopped by its steps within a few MiB. */
static void memory_of_a_run_is_bounded(void **state) {
    struct arena *a = *state;
    struct json text = text_of(a, EXPR_STRING_MAX - 1), *items = NEW_ARRAY(a, struct json, 1000);
    for (int i = 0; i < 1000; i++) items[i] = text;
    struct json l = {.type = JSON_ARRAY, .n = 1000, .items = items};
    size_t before = arena_used(a);
    assert_stops(a, STR("{\"map\":[{\"var\":\"l\"},{\"cat\":[{\"var\":\"\"},\"x\"]}]}"), l, text, "more steps than an expression may take",
                 4);
    assert_stops(a, STR("{\"reduce\":[{\"var\":\"l\"},{\"merge\":[{\"map\":[[1,2,3,4,5,6,7,8],1]},{\"var\":\"accumulator\"}]},[]]}"), l,
                 text, "an array longer than an expression may make", 4);
    assert_in_range(arena_used(a) - before, 0, 16 << 20);
}

/* places */

static void places_count_all_values(void **state) {
    struct arena *a = *state;
    struct json source = parsed(a, STR("{\"and\":[{\"!\":{\"var\":\"a\"}},[1,[2]],{\"x~/y\":[3]}]}"));
    static const char *const pointers[] = {
        "/when",         "/when/and",     "/when/and/0",     "/when/and/0/!", "/when/and/0/!/var",  "/when/and/1",
        "/when/and/1/0", "/when/and/1/1", "/when/and/1/1/0", "/when/and/2",   "/when/and/2/x~0~1y", "/when/and/2/x~0~1y/0"};
    for (uint16_t i = 0; i < COUNT(pointers); i++) assert_text(expr_place_pointer(a, &source, STR("/when"), i), pointers[i]);
    expr_place_pointer(a, &source, STR("/when"), UINT16_MAX); /* of another definition: no place, but no harm */
}

static void an_expression_keeps_nothing_of_its_source(void **state) {
    struct arena *a = *state, *other = arena_new();
    struct json source =
        parsed(other, STR("{\"cat\":[{\"var\":[\"name\",\"nobody\"]},\" is in \",[\"a\",\"b\"],{\"substr\":[\"xyz\",1]}]}"));
    struct expr *e = compiled(a, &source);
    struct expr_scope nothing = {0};
    struct expr_stop why;
    struct json value;
    arena_free(&other);
    assert_int_equal(expr_eval(e, &nothing, a, &value, &why), EXPR_OK);
    assert_text(value.string, "nobody is in a,byz");
    assert_text(expr_name(e, 0), "name");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(official_cases_of_jsonlogic, set_up, tear_down),
        cmocka_unit_test_setup_teardown(values_of_every_operator, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hour_and_day_of_week_in_zones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rand_comes_from_the_identity_and_its_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rand_is_numbered_over_a_rule, set_up, tear_down),
        cmocka_unit_test_setup_teardown(conditions_name_the_failing_part, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_refused_with_pointers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_and_needs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limit_of_nodes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limit_of_depth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limit_of_steps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(steps_are_as_many_as_the_work, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limit_of_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limit_of_arrays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limit_of_results, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_of_a_run_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(places_count_all_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_expression_keeps_nothing_of_its_source, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("expr", tests, NULL, NULL);
}
