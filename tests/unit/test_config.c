/* Definitions: shapes, references, stored texts, bounds (DESIGN 4; SEMANTICS 9–11, 14, 15, 20, 25; invariant 13: each fault of a
 * document has its pointer). Documents lie in tests/golden/config: those that compile, and *.bad.json,
 * each with the faults that it must give, no more and no fewer. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"
#include "engine/state.h"
#include "tests/unit/compiling.h"

#define GOLDEN "tests/golden/config"
#define BASIC  "{\"kind\":\"currency\",\"code\":\"points\"}"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

#define assert_text(s, z) assert_string_equal(str_z(a, (s)), (z))

/* Exactly one fault. */
static void refused(struct arena *a, const char *definitions, enum problem problem, const char *pointer) {
    struct compiled *c = document_compile(a, document_of(a, definitions), (struct compile_in){0});
    if (c->problem != problem) fail_msg("%s: not refused, or not so", definitions);
    assert_int_equal(c->faults.list.n, 1);
    assert_int_equal(c->faults.list.items[0].problem, problem);
    assert_text(c->faults.list.items[0].pointer, pointer);
    assert_null(c->program);
}

/* ---- golden documents ---- */

static struct str fault_line(struct arena *a, struct str code, struct str pointer) {
    return str_printf(a, STR_FMT " at \"" STR_FMT "\"", STR_ARG(code), STR_ARG(pointer));
}

static int by_text(const void *x, const void *y) { return str_cmp(*(const struct str *)x, *(const struct str *)y); }

static void check_faults(struct arena *a, const char *path, const struct json *expected, const struct faults *faults) {
    size_t n = faults->list.n;
    struct str *got = NEW_ARRAY(a, struct str, n), *wanted = NEW_ARRAY(a, struct str, expected->n);
    for (size_t i = 0; i < n; i++) {
        const struct fault *f = &faults->list.items[i];
        got[i] = fault_line(a, str_of(problem_row(f->problem)->code), f->pointer);
        assert_true(f->detail.n > 0);
    }
    for (size_t i = 0; i < expected->n; i++) {
        const struct json *pair = &expected->items[i];
        assert_int_equal(pair->n, 2);
        wanted[i] = fault_line(a, pair->items[0].string, pair->items[1].string);
    }
    qsort(got, n, sizeof *got, by_text);
    qsort(wanted, expected->n, sizeof *wanted, by_text);
    size_t i = 0, k = 0, wrong = 0;
    while (i < n || k < expected->n) {
        int order = i == n ? 1 : k == expected->n ? -1 : str_cmp(got[i], wanted[k]);
        if (order < 0) print_message("%s: unexpected " STR_FMT "\n", path, STR_ARG(got[i]));
        if (order > 0) print_message("%s: missing " STR_FMT "\n", path, STR_ARG(wanted[k]));
        wrong += order != 0;
        i += order <= 0;
        k += order >= 0;
    }
    if (wrong) fail_msg("%s: %zu differences", path, wrong);
}

/* What is stored compiles to the same: the text of the text is the text. */
static void check_texts(struct arena *a, const struct compiled *c) {
    for (size_t i = 0; i < c->n; i++) {
        struct str text = definition_text(a, &c->definitions[i]);
        struct faults faults = faults_new(a);
        struct definition again;
        assert_int_equal(config_definition(a, json_of_text(a, text), STR(""), &again, &faults), P_OK);
        assert_true(str_eq(again.kind, c->definitions[i].kind) && str_eq(again.code, c->definitions[i].code));
        assert_text(definition_text(a, &again), str_z(a, text));
    }
}

static void golden_documents(void **state) {
    struct arena *a = *state;
    size_t n_good = 0, n_bad = 0;
    DIR *dir = opendir(GOLDEN);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!strstr(entry->d_name, ".json")) continue;
        const char *path = str_z(a, str_printf(a, GOLDEN "/%s", entry->d_name));
        const struct json *document = json_of_file(a, path), *faults = json_get(document, "faults");
        assert_int_equal(strstr(entry->d_name, ".bad.json") != NULL, faults != NULL);
        if (!faults) {
            check_texts(a, document_good(a, document));
            n_good++;
            continue;
        }
        struct compiled *c = document_compile(a, document, (struct compile_in){0});
        assert_int_not_equal(c->problem, P_OK);
        assert_null(c->program);
        check_faults(a, path, faults, &c->faults);
        n_bad++;
    }
    closedir(dir);
    assert_int_equal(n_good, 3);
    assert_int_equal(n_bad, 14);
}

/* ---- texts and numbers ---- */

static void a_stored_definition_has_the_order_of_its_shape(void **state) {
    struct arena *a = *state;
    struct compiled *c =
        document_good(a, document_of(a, "{\"code\":\"points\",\"name\":\"P\",\"daily_cap\":{\"zone\":\"member\",\"amount\":5e2},"
                                        "\"kind\":\"currency\",\"spendable\":true},"
                                        "{\"zone\":\"Asia/Tokyo\",\"kind\":\"settings\"},"
                                        "{\"grant\":[{\"factors\":[{\"why\":\"w\",\"multiply\":1.50}],\"amount\":10,\"currency\":"
                                        "\"points\"}],\"on\":[\"b\",\"a\"],\"code\":\"r\",\"when\":{\"!\":[{\"var\":"
                                        "\"event.data.x\"}]},\"kind\":\"rule\"}"));
    assert_int_equal(c->n, 3); /* by kind and code */
    assert_text(definition_text(a, &c->definitions[0]), "{\"kind\":\"currency\",\"code\":\"points\",\"name\":\"P\",\"spendable\":true,"
                                                        "\"daily_cap\":{\"amount\":500,\"zone\":\"member\"}}");
    assert_text(definition_text(a, &c->definitions[1]),
                "{\"kind\":\"rule\",\"code\":\"r\",\"on\":[\"b\",\"a\"],\"when\":{\"!\":[{\"var\":\"event.data.x\"}]},"
                "\"grant\":[{\"currency\":\"points\",\"amount\":10,\"factors\":[{\"multiply\":1.5,\"why\":\"w\"}]}]}");
    assert_text(definition_text(a, &c->definitions[2]), "{\"kind\":\"settings\",\"code\":\"settings\",\"zone\":\"Asia/Tokyo\"}");
}

static void codes_that_need_numbers_are_listed_once(void **state) {
    struct arena *a = *state;
    struct compiled *c = document_good(a, json_of_file(a, GOLDEN "/everything.json"));
    static const struct {
        enum code_kind kind;
        const char *code;
    } expected[] = {
        {CODE_CURRENCY, "points"},
        {CODE_CURRENCY, "xp"},
        {CODE_METRIC, "hours"},
        {CODE_METRIC, "posts"},
        {CODE_METRIC, "words"},
        {CODE_RULE, "first-of-the-day"},
        {CODE_RULE, "posted"},
        {CODE_RULE, "volunteered"},
        {CODE_LADDER, "curve"},
        {CODE_LADDER, "tiers"},
        {CODE_TYPE, "message.posted"},
        {CODE_TYPE, "shift.ended"},
        {CODE_TYPE, "urn:com.example/call v1"},
        {CODE_ZONE, "Europe/Berlin"},
    };
    assert_int_equal(c->n_codes, COUNT(expected));
    for (size_t i = 0; i < c->n_codes; i++) {
        assert_int_equal(c->codes[i].kind, expected[i].kind);
        assert_text(c->codes[i].code, expected[i].code);
    }
}

/* ---- bounds ---- */

/* MECHANICS 1: a configuration whose worst case exceeds the row is refused. */
static void a_state_that_would_not_fit_is_refused(void **state) {
    struct arena *a = *state;
    size_t most = (HOT_BYTES_MAX - STATE_HOT_HEAD) / (STATE_COUNTER_GROUP + STATE_COUNTER_EVER + 3 * STATE_COUNTER_PERIOD);
    struct buf b = buf_new(a, CONFIG_BYTES_MAX);
    for (size_t i = 0; i < most; i++) buf_f(&b, "%s{\"kind\":\"metric\",\"code\":\"m%zu\"}", i ? "," : "", i);
    const struct program *p = program_of_text(a, str_z(a, buf_str(&b)));
    assert_true(p->hot_worst <= HOT_BYTES_MAX);
    buf_f(&b, ",{\"kind\":\"metric\",\"code\":\"one-more\"}");
    refused(a, str_z(a, buf_str(&b)), P_STATE_TOO_LARGE, "/definitions");
}

static const char *many(struct arena *a, size_t n, const char *before, const char *after) {
    struct buf b = buf_new(a, CONFIG_BYTES_MAX);
    for (size_t i = 0; i < n; i++) buf_f(&b, "%s%s%zu%s", i ? "," : "", before, i, after);
    return str_z(a, buf_str(&b));
}

static void there_are_bounds_on_how_many(void **state) {
    struct arena *a = *state;
    const char *currency = "{\"kind\":\"currency\",\"code\":\"c", *end = "\"}";
    assert_int_equal(program_of_text(a, many(a, CURRENCIES_MAX, currency, end))->n_currencies, CURRENCIES_MAX);
    refused(a, many(a, CURRENCIES_MAX + 1, currency, end), P_DEFINITION, "/definitions/9"); /* the last by code */
    const char *ladders =
        many(a, LADDERS_MAX, "{\"kind\":\"level_ladder\",\"currency\":\"points\",\"levels\":[{\"at\":0}],\"code\":\"l", end);
    const char *more = str_z(a, str_printf(a, "%s," BASIC, ladders));
    assert_int_equal(program_of_text(a, more)->n_ladders, LADDERS_MAX);
    more = str_z(a, str_printf(a, "%s,{\"kind\":\"level_ladder\",\"currency\":\"points\",\"levels\":[{\"at\":0}],\"code\":\"z\"}", more));
    refused(a, more, P_DEFINITION, "/definitions/17");
}

static void a_document_has_at_most_500_definitions(void **state) {
    struct arena *a = *state;
    const char *rule = "{\"kind\":\"rule\",\"on\":[\"x\"],\"count\":[{\"metric\":\"m\",\"by\":1}],\"code\":\"r", *end = "\"}";
    assert_int_equal(program_of_text(a, many(a, DEFINITIONS_MAX, rule, end))->n_rules, DEFINITIONS_MAX);
    refused(a, many(a, DEFINITIONS_MAX + 1, rule, end), P_VALIDATION, "/definitions");
}

/* What the rules of one type cause every time has to fit into an outcome. */
static void rules_that_cause_too_much_are_refused(void **state) {
    struct arena *a = *state;
    struct buf b = buf_new(a, CONFIG_BYTES_MAX);
    for (int i = 0; i < GRANTS_PER_RULE_MAX; i++) buf_f(&b, "{\"kind\":\"currency\",\"code\":\"c%d\"},", i);
    buf_z(&b, "{\"kind\":\"rule\",\"on\":[\"quiet\"],\"grant\":[{\"currency\":\"c0\",\"amount\":1}],\"code\":\"quiet\"}");
    for (int i = 0; i < 100; i++) {
        buf_f(&b, ",{\"kind\":\"rule\",\"code\":\"r%d\",\"on\":[\"loud\"],\"grant\":[", i);
        for (int k = 0; k < GRANTS_PER_RULE_MAX; k++) buf_f(&b, "%s{\"currency\":\"c%d\",\"amount\":1}", k ? "," : "", k);
        buf_z(&b, "]}");
    }
    refused(a, str_z(a, buf_str(&b)), P_DEFINITION, "/definitions");
}

static void largest_amounts_are_allowed(void **state) {
    struct arena *a = *state;
    const struct program *p =
        program_of_text(a, BASIC ",{\"kind\":\"rule\",\"code\":\"r\",\"on\":[\"x\"],\"grant\":[{\"currency\":\"points\","
                                 "\"amount\":1000000000000000,\"factors\":[{\"multiply\":1},{\"add\":0},"
                                 "{\"when\":{\"var\":\"event.data.x\"},\"multiply\":0.999999}]}]}");
    assert_int_equal(p->rules[0].grants[0].amount, AMOUNT_MAX);
}

/* Beyond FAULTS_MAX they are counted. */
static void many_faults_are_counted(void **state) {
    struct arena *a = *state;
    struct compiled *c =
        document_compile(a, document_of(a, many(a, 150, "{\"kind\":\"currency\",\"code\":\"c", "\",\"x\":1}")), (struct compile_in){0});
    assert_int_equal(c->problem, P_VALIDATION);
    assert_int_equal(c->faults.list.n, FAULTS_MAX);
    assert_true(c->faults.more >= 50);
    assert_null(c->program);
}

/* ---- lists and shapes ---- */

static void what_is_no_list_is_refused(void **state) {
    struct arena *a = *state;
    struct definition *d;
    size_t n;
    static const char *const texts[] = {"{}", "null", "\"x\"", "7"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct faults faults = faults_new(a);
        assert_int_equal(config_split(a, json_of_text(a, str_of(texts[i])), STR("/definitions"), &d, &n, &faults), P_VALIDATION);
        assert_int_equal(n, 0);
        assert_text(faults.list.items[0].pointer, "/definitions");
    }
    struct faults faults = faults_new(a);
    assert_int_equal(config_split(a, NULL, STR("/definitions"), &d, &n, &faults), P_VALIDATION);
}

static void faults_of_one_definition_stand_below_its_pointer(void **state) {
    struct arena *a = *state;
    struct faults faults = faults_new(a);
    struct definition d;
    assert_int_equal(config_definition(a, json_of_text(a, STR("{\"kind\":\"goal\",\"code\":\"-\"}")), STR(""), &d, &faults), P_VALIDATION);
    assert_int_equal(faults.list.n, 2);
    assert_text(faults.list.items[0].pointer, "/kind");
    assert_text(faults.list.items[1].pointer, "/code");
}

/* The API description is made from the shapes (DESIGN 4). */
static void every_kind_has_a_schema(void **state) {
    struct arena *a = *state;
    size_t n = 0;
    for (const struct kind_row *kind = kind_rows; kind->name; kind++, n++) {
        struct buf b = buf_new(a, 64 * 1024);
        struct json_writer w = json_writer_of(&b);
        shape_schema(kind->shape, &w);
        assert_true(buf_ok(&b));
        const struct json *schema = json_of_text(a, buf_str(&b)), *properties = json_get(schema, "properties");
        assert_int_equal(properties->n, kind->shape->n_fields);
        assert_string_equal(kind->shape->fields[0].name, "kind");
        assert_string_equal(kind->shape->fields[1].name, "code");
        assert_true(kind_find(str_of(kind->name)) == kind);
    }
    assert_int_equal(n, 5);
    assert_null(kind_find(STR("boost")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(golden_documents, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stored_definition_has_the_order_of_its_shape, set_up, tear_down),
        cmocka_unit_test_setup_teardown(codes_that_need_numbers_are_listed_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_state_that_would_not_fit_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(there_are_bounds_on_how_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_document_has_at_most_500_definitions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rules_that_cause_too_much_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(largest_amounts_are_allowed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_faults_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_list_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(faults_of_one_definition_stand_below_its_pointer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_kind_has_a_schema, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
