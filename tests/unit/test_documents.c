/* The examples of docs/CONFIGURING.md are true: what it defines compiles, what it sends earns what it says, what it computes comes out.
 *
 * By the word after ```json: `definitions` is the configuration that the further examples stand in; `definition` is one more, or one in the
 * place of that with its kind and code; `member` and `event` go to the configuration above them, in order; `outcome` is what the last
 * event's outcome contains; `variables` are what expressions see; `expression` compiles as a condition. A row of a table that begins with
 * an expression has its value in the next cell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "tests/unit/compiling.h"
#include "tests/unit/settling.h"

#define PAGE "docs/CONFIGURING.md"

struct examples {
    LIST(struct json) list;
};

struct page {
    struct arena *a;
    const struct json *base;      /* the list of definitions */
    const struct json *variables; /* by name */
    struct world *world;
    const struct outcome *outcome; /* of the last event */
    size_t line;
    size_t definitions, outcomes, expressions, values; /* seen */
    struct examples examples;                          /* all definitions that were compiled */
};

/* ---- what stands in a block ---- */

static bool same_definition(const struct json *x, const struct json *y) {
    const struct json *a = json_get(x, "code"), *b = json_get(y, "code");
    if (!json_equal(json_get(x, "kind"), json_get(y, "kind"))) return false;
    return str_is(json_get(x, "kind")->string, "settings") || json_equal(a, b);
}

/* The definitions of a document, without the brackets around them; settling.c reads ' for ". */
static const char *items_text(struct arena *a, const struct json *list) {
    struct str text = json_to_text(a, list);
    const char *items = str_z(a, (struct str){text.p + 1, text.n - 2});
    if (strchr(items, '\'')) fail_msg("an example has a ', which the tests take for a \"");
    return items;
}

static const struct json *base_with(struct page *p, const struct json *definition) {
    struct json *list = NEW(p->a, struct json), *items = NEW_ARRAY(p->a, struct json, p->base->n + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->base->n; i++)
        if (!same_definition(&p->base->items[i], definition)) items[n++] = p->base->items[i];
    items[n++] = *definition;
    *list = (struct json){.type = JSON_ARRAY, .n = n, .items = items};
    return list;
}

static void take_definitions(struct page *p, const struct json *v) {
    p->base = json_get(v, "definitions");
    assert_non_null(p->base);
    p->world = world_new(p->a, items_text(p->a, p->base));
    for (uint32_t i = 0; i < p->base->n; i++) *LIST_PUSH(p->a, &p->examples.list) = p->base->items[i];
}

static void take_definition(struct page *p, const struct json *v) {
    p->world = world_new(p->a, items_text(p->a, base_with(p, v)));
    *LIST_PUSH(p->a, &p->examples.list) = *v;
    p->definitions++;
}

static const char *text_of(struct page *p, const struct json *v, const char *name) {
    const struct json *member = json_get(v, name);
    if (!member) return NULL;
    return str_z(p->a, member->type == JSON_STRING ? member->string : json_to_text(p->a, member));
}

static void take_member(struct page *p, const struct json *v) {
    world_status(p->world, MEMBER_ACTIVE, text_of(p, v, "type"));
    p->world->attributes = text_of(p, v, "attributes");
    p->world->groups = text_of(p, v, "groups");
}

static void take_event(struct page *p, const struct json *v) {
    p->outcome = world_event(p->world, text_of(p, v, "type"), text_of(p, v, "time"), text_of(p, v, "data"));
}

/* Objects may have more members than are shown, lists have the same items. */
static bool contains(const struct json *all, const struct json *shown) {
    if (all->type != shown->type || all->type < JSON_ARRAY) return json_equal(all, shown);
    if (all->type == JSON_ARRAY && all->n != shown->n) return false;
    for (uint32_t i = 0; i < shown->n; i++) {
        const struct json *a = all->type == JSON_ARRAY ? &all->items[i] : json_find(all, shown->members[i].key);
        if (!a || !contains(a, all->type == JSON_ARRAY ? &shown->items[i] : &shown->members[i].value)) return false;
    }
    return true;
}

static void take_outcome(struct page *p, const struct json *v) {
    struct buf b = buf_new(p->a, SIZE_MAX);
    struct json_writer w = json_writer_of(&b);
    assert_non_null(p->outcome);
    outcome_render(&w, p->a, p->outcome, p->world->p, STR("m"), STR("s"), STR("i"), false);
    struct str got = buf_str(&b);
    if (!contains(json_of_text(p->a, got), v)) fail_msg(PAGE ":%zu: the outcome is\n" STR_FMT, p->line, STR_ARG(got));
    p->outcomes++;
}

/* ---- expressions ---- */

/* The longest name that is given and begins the name that is asked for; the rest is a path in it. */
static bool lookup(void *ctx, struct str name, struct arena *a, struct json *out, size_t *work) {
    const struct json *variables = ctx;
    (void)a, (void)work;
    for (size_t n = name.n; n > 0; n--) {
        if (n < name.n && name.p[n] != '.') continue;
        const struct json *found = json_find(variables, (struct str){name.p, n});
        if (!found) continue;
        if (n == name.n) return *out = *found, true;
        return expr_json_at(found, (struct str){name.p + n + 1, name.n - n - 1}, out);
    }
    return false;
}

/* In a rule, so that its names are checked. */
static void compile_expression(struct page *p, struct str text) {
    struct str rule = str_printf(p->a,
                                 "{\"kind\":\"rule\",\"code\":\"example\",\"on\":[\"e\"],\"when\":" STR_FMT
                                 ",\"grant\":[{\"currency\":\"points\",\"amount\":1}]}",
                                 STR_ARG(text));
    (void)world_new(p->a, items_text(p->a, base_with(p, json_of_text(p->a, rule))));
    p->expressions++;
}

static void compute(struct page *p, struct str text, struct str expected) {
    const struct json *source = json_of_text(p->a, text), *wanted = json_of_text(p->a, expected);
    struct expr_scope scope = {.ctx = (void *)(uintptr_t)p->variables, .lookup = lookup, .zone = zone_find(STR("Europe/Berlin"))};
    struct faults faults = faults_new(p->a);
    struct expr *e;
    struct expr_stop stop;
    struct json value;
    assert_non_null(p->variables);
    compile_expression(p, text);
    assert_int_equal(expr_compile(p->a, source, STR(""), NULL, NULL, &e, &faults), P_OK);
    if (expr_eval(e, &scope, p->a, &value, &stop) != EXPR_OK) fail_msg(PAGE ":%zu: %s", p->line, stop.what);
    struct str got = json_to_text(p->a, &value), shown = json_to_text(p->a, wanted); /* two lists are never equal, their texts are */
    if (!str_eq(got, shown)) fail_msg(PAGE ":%zu: gives " STR_FMT, p->line, STR_ARG(got));
    p->values++;
}

/* "| `{…}` | `value` | …" */
static void take_row(struct page *p, struct str line) {
    struct str rest = line, cells[2];
    for (size_t i = 0; i < COUNT(cells); i++) {
        (void)str_cut(&rest, '`');
        if (!rest.p) return;
        cells[i] = str_cut(&rest, '`');
    }
    compute(p, cells[0], cells[1]);
}

/* ---- what the examples have to show ---- */

/* The values of one field in all examples, or the items of its lists. */
static struct examples values_of(struct arena *a, const struct examples *in, const struct field *field) {
    bool items = field->type == F_LIST || field->type == F_ENUMS;
    struct examples out = {0};
    for (size_t i = 0; i < in->list.n; i++) {
        const struct json *v = json_get(&in->list.items[i], field->name);
        if (v && !items) *LIST_PUSH(a, &out.list) = *v;
        for (uint32_t k = 0; v && items && k < v->n; k++) *LIST_PUSH(a, &out.list) = v->items[k];
    }
    return out;
}

static bool names_it(const struct examples *values, const char *name) {
    for (size_t i = 0; i < values->list.n; i++)
        if (str_is(values->list.items[i].string, name)) return true;
    return false;
}

/* Adds to `missing` each field of the shape, at every depth, and each word that a field may be, which stand in no example. */
static void note_missing(struct arena *a, const struct shape *shape, struct str path, const struct examples *in, struct buf *missing) {
    for (size_t i = 0; i < shape->n_fields; i++) {
        const struct field *field = &shape->fields[i];
        struct str at = pointer_child(a, path, str_of(field->name));
        struct examples values = values_of(a, in, field);
        if (values.list.n == 0) {
            buf_f(missing, " " STR_FMT, STR_ARG(at));
            continue;
        }
        for (const char *const *name = field->names; name && *name; name++)
            if (!names_it(&values, *name)) buf_f(missing, " " STR_FMT "=%s", STR_ARG(at), *name);
        if (field->sub) note_missing(a, field->sub, at, &values, missing);
    }
}

static struct str missing_in(struct arena *a, const struct examples *examples) {
    struct buf missing = buf_new(a, SIZE_MAX);
    for (const struct kind_row *kind = kind_rows; kind->name; kind++) {
        struct examples of_kind = {0};
        for (size_t i = 0; i < examples->list.n; i++)
            if (str_is(json_get(&examples->list.items[i], "kind")->string, kind->name))
                *LIST_PUSH(a, &of_kind.list) = examples->list.items[i];
        note_missing(a, kind->shape, str_of(kind->name), &of_kind, &missing);
    }
    return buf_str(&missing);
}

/* ---- the page ---- */

static void take_block(struct page *p, struct str word, struct str text) {
    if (str_is(word, "expression")) {
        compile_expression(p, text);
        return;
    }
    const struct json *v = json_of_text(p->a, text);
    if (str_is(word, "definitions"))
        take_definitions(p, v);
    else if (str_is(word, "definition"))
        take_definition(p, v);
    else if (str_is(word, "member"))
        take_member(p, v);
    else if (str_is(word, "event"))
        take_event(p, v);
    else if (str_is(word, "outcome"))
        take_outcome(p, v);
    else if (str_is(word, "variables"))
        p->variables = v;
    else
        fail_msg(PAGE ":%zu: nobody knows what to do with a block of " STR_FMT, p->line, STR_ARG(word));
}

static struct str file_text(struct arena *a, const char *path) {
    char *text = arena_alloc(a, CONFIG_BYTES_MAX);
    FILE *f = fopen(path, "r");
    if (!f) fail_msg("%s cannot be opened", path);
    size_t n = fread(text, 1, CONFIG_BYTES_MAX, f);
    fclose(f);
    return (struct str){text, n};
}

static void every_example_of_the_page_holds(void **state) {
    struct page p = {.a = *state};
    struct str rest = file_text(p.a, PAGE), word = {0};
    const char *begin = NULL; /* of the block that is open */
    while (rest.p) {
        const char *at = rest.p;
        struct str line = str_cut(&rest, '\n');
        p.line++;
        if (str_starts(line, "```json ")) {
            word = (struct str){line.p + 8, line.n - 8};
            begin = line.p + line.n + 1;
        } else if (begin && str_is(line, "```")) {
            take_block(&p, word, (struct str){begin, (size_t)(at - begin)});
            begin = NULL;
        } else if (!begin && str_starts(line, "| `{")) {
            take_row(&p, line);
        }
    }
    assert_null(begin);
    struct str missing = missing_in(p.a, &p.examples);
    if (missing.n) fail_msg(PAGE " has no example of" STR_FMT, STR_ARG(missing));
    assert_in_range(p.definitions, 12, 100); /* the page has not lost its examples */
    assert_in_range(p.outcomes, 12, 100);
    assert_in_range(p.values, 40, 100);
    assert_in_range(p.expressions, p.values + 4, 200);
}

/* What makes the other test worth something. */
static void what_is_shown_has_to_be_there(void **state) {
    static const struct {
        const char *all, *shown;
        bool is;
    } cases[] = {
        {"{\"a\":1,\"b\":2}", "{\"a\":1}", true},
        {"{\"a\":1}", "{\"a\":2}", false},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"[1,2]", "[1]", false},
        {"[{\"a\":1,\"b\":2}]", "[{\"b\":2}]", true},
        {"[{\"a\":1}]", "[{\"a\":1},{}]", false},
        {"{\"a\":[]}", "{\"a\":[]}", true},
        {"{\"a\":[1]}", "{\"a\":[]}", false},
        {"\"x\"", "\"x\"", true},
        {"null", "false", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct json *all = json_of_text(*state, str_of(cases[i].all)), *shown = json_of_text(*state, str_of(cases[i].shown));
        assert_int_equal(contains(all, shown), cases[i].is);
    }
}

static void a_field_without_an_example_is_found(void **state) {
    static const char metric[] = "[{\"kind\":\"metric\",\"code\":\"m\",\"zone\":\"UTC\",\"periods\":[\"day\",\"ever\"]}]";
    const struct json *list = json_of_text(*state, str_of(metric));
    struct examples examples = {0};
    struct buf missing = buf_new(*state, SIZE_MAX);
    *LIST_PUSH(*state, &examples.list) = list->items[0];
    note_missing(*state, kind_find(STR("metric"))->shape, STR("metric"), &examples, &missing);
    assert_true(str_is(buf_str(&missing), " metric/name metric/periods=week metric/periods=month"));
    assert_true(memmem(missing_in(*state, &examples).p, missing_in(*state, &examples).n, " rule/count_when", 16) != NULL);
}

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_example_of_the_page_holds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_shown_has_to_be_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_field_without_an_example_is_found, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("documents", tests, NULL, NULL);
}
