#include "engine/program.h"

#include <stdlib.h>

#include "engine/kinds.h"

/* ---- numbers ---- */

static int by_kind_and_no(const void *x, const void *y) {
    const struct code_number *a = x, *b = y;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    return a->no < b->no ? -1 : a->no > b->no;
}

static uint16_t number_of(const struct compiling *c, enum code_kind kind, struct str code) {
    struct code_number wanted = {.kind = kind, .code = code};
    const struct code_number *found = bsearch(&wanted, c->numbers, c->in->n_codes, sizeof wanted, code_order);
    MUST(found);
    return found->no;
}

static void take_numbers(struct compiling *c) {
    size_t n = c->in->n_codes, size = n * sizeof(struct code_number);
    struct code_number *by_code = arena_copy(c->a, c->in->codes, size), *by_no = arena_copy(c->a, c->in->codes, size);
    qsort(by_code, n, sizeof *by_code, code_order);
    qsort(by_no, n, sizeof *by_no, by_kind_and_no);
    c->numbers = by_code;
    c->p->codes = by_no;
    c->p->n_codes = n;
}

/* ---- declaring: everything has its place, code and number before anything is compiled ---- */

static const struct drafted *drafts_read(struct compiling *c) {
    struct drafted *drafts = NEW_ARRAY(c->a, struct drafted, c->in->n_definitions);
    for (size_t i = 0; i < c->in->n_definitions; i++) {
        const struct definition *d = &c->in->definitions[i];
        const struct kind_row *kind = kind_find(d->kind);
        MUST(kind);
        drafts[i] = (struct drafted){.definition = d, .kind = kind};
        void *form = arena_alloc(c->a, kind->shape->size);
        size_t more = c->faults->more;
        drafts[i].faults_from = c->faults->list.n;
        enum problem p = shape_read(kind->shape, &d->body, d->pointer, c->a, form, c->faults);
        drafts[i].faults_to = c->faults->list.n;
        if (p == P_OK || c->faults->more == more) drafts[i].form = form;
    }
    return drafts;
}

/* The codes to declare: those of definitions, and metrics that are only counted. They come sorted by kind and code. */
static void declare(struct compiling *c) {
    struct code_number *codes;
    size_t n, count[CODE__MAX] = {0};
    struct program *p = c->p;
    config_codes(c->a, c->in->definitions, c->in->n_definitions, &codes, &n);
    for (size_t i = 0; i < n; i++) {
        codes[i].no = number_of(c, codes[i].kind, codes[i].code);
        count[codes[i].kind]++;
    }
    p->currencies = c->currencies = NEW_ARRAY(c->a, struct currency, p->n_currencies = count[CODE_CURRENCY]);
    p->metrics = c->metrics = NEW_ARRAY(c->a, struct metric, p->n_metrics = count[CODE_METRIC]);
    p->ladders = c->ladders = NEW_ARRAY(c->a, struct ladder, p->n_ladders = count[CODE_LADDER]);
    p->rules = c->rules = NEW_ARRAY(c->a, struct rule, p->n_rules = count[CODE_RULE]);
    const uint32_t all_periods = 1u << PERIOD_DAY | 1u << PERIOD_WEEK | 1u << PERIOD_MONTH | 1u << PERIOD_EVER;
    size_t next[CODE__MAX] = {0};
    for (size_t i = 0; i < n; i++) {
        size_t at = next[codes[i].kind]++;
        if (codes[i].kind == CODE_CURRENCY)
            c->currencies[at] = (struct currency){.no = codes[i].no, .code = codes[i].code, .spendable = true};
        if (codes[i].kind == CODE_METRIC)
            c->metrics[at] = (struct metric){.no = codes[i].no, .code = codes[i].code, .periods = all_periods};
        if (codes[i].kind == CODE_LADDER) c->ladders[at] = (struct ladder){.no = codes[i].no, .code = codes[i].code};
        if (codes[i].kind == CODE_RULE) c->rules[at] = (struct rule){.no = codes[i].no, .code = codes[i].code};
    }
}

/* What only follows from a fault of the definition's shape is not told. */
static void compile_draft(struct compiling *c, const struct drafted *d) {
    struct faults *all = c->faults, found = faults_new(c->a);
    c->draft = d;
    c->faults = &found;
    d->kind->compile(c, d);
    c->faults = all;
    for (size_t i = 0; i < found.list.n; i++) {
        const struct fault *f = &found.list.items[i];
        if (!is_misshapen(c, f->pointer)) (void)fault_add(all, f->problem, f->pointer, STR_FMT, STR_ARG(f->detail));
    }
    all->more += found.more;
}

static void compile_kinds(struct compiling *c) {
    for (const struct kind_row *kind = kind_rows; kind->name; kind++)
        for (size_t i = 0; i < c->n_drafts; i++)
            if (c->drafts[i].kind == kind && c->drafts[i].form) compile_draft(c, &c->drafts[i]);
}

/* What definitions of no known kind could bring, so that nobody is told that it is missing. */
static void note_unplaced(struct compiling *c, const struct json *list) {
    LIST(struct code_number) unplaced = {0};
    for (uint32_t i = 0; list && list->type == JSON_ARRAY && i < list->n; i++) {
        const struct json *kind = json_get(&list->items[i], "kind"), *code = json_get(&list->items[i], "code");
        if (list->items[i].type != JSON_OBJECT || (kind && kind->type == JSON_STRING && kind_find(kind->string))) continue;
        bool named = code && code->type == JSON_STRING && code_is_valid(code->string);
        *LIST_PUSH(c->a, &unplaced) = (struct code_number){.code = named ? code->string : STR("")};
        const struct json *counts = json_get(&list->items[i], "count");
        for (uint32_t k = 0; counts && counts->type == JSON_ARRAY && k < counts->n; k++) {
            const struct json *metric = json_get(&counts->items[k], "metric");
            if (metric && metric->type == JSON_STRING)
                *LIST_PUSH(c->a, &unplaced) = (struct code_number){.kind = CODE_METRIC, .code = metric->string};
        }
    }
    c->unplaced = unplaced.items;
    c->n_unplaced = unplaced.n;
}

static void check_counts(const struct compiling *c) {
    static const size_t most[CODE__MAX] = {[CODE_CURRENCY] = CURRENCIES_MAX, [CODE_LADDER] = LADDERS_MAX};
    size_t n[CODE__MAX] = {0};
    for (size_t i = 0; i < c->n_drafts; i++) {
        enum code_kind kind = c->drafts[i].kind->code_kind;
        if (i > 0 && definition_order(c->drafts[i - 1].definition, c->drafts[i].definition) == 0) continue; /* told as a duplicate */
        if (most[kind] && ++n[kind] > most[kind])
            (void)fault_add(c->faults, P_DEFINITION, c->drafts[i].definition->pointer, "there can be at most %zu of this kind", most[kind]);
    }
}

/* ---- orders and indexes ---- */

static int by_priority_and_code(const void *x, const void *y) {
    const struct rule *a = x, *b = y;
    if (a->priority != b->priority) return a->priority > b->priority ? -1 : 1;
    return str_cmp(a->code, b->code);
}

static int metric_by_no(const void *x, const void *y) {
    const struct metric *const *a = x, *const *b = y;
    return (int)(*a)->no - (int)(*b)->no;
}

static int rule_by_no(const void *x, const void *y) {
    const struct rule *const *a = x, *const *b = y;
    return (int)(*a)->no - (int)(*b)->no;
}

static void index_numbers(struct compiling *c) {
    struct program *p = c->p;
    const struct metric **metrics = NEW_ARRAY(c->a, const struct metric *, p->n_metrics);
    const struct rule **rules = NEW_ARRAY(c->a, const struct rule *, p->n_rules);
    for (size_t i = 0; i < p->n_metrics; i++) metrics[i] = &p->metrics[i];
    for (size_t i = 0; i < p->n_rules; i++) rules[i] = &p->rules[i];
    qsort(metrics, p->n_metrics, sizeof(const struct metric *), metric_by_no);
    qsort(rules, p->n_rules, sizeof(const struct rule *), rule_by_no);
    p->metrics_by_no = metrics;
    p->rules_by_no = rules;
}

struct type_use { /* one event type of one rule */
    struct str type;
    const struct rule *rule; /* rules lie in the order of settling: so does their address */
};

static int by_type_and_rule(const void *x, const void *y) {
    const struct type_use *a = x, *b = y;
    int order = str_cmp(a->type, b->type);
    return order ? order : a->rule < b->rule ? -1 : a->rule > b->rule;
}

static void index_types(struct compiling *c) {
    struct program *p = c->p;
    LIST(struct type_use) uses = {0};
    for (size_t i = 0; i < p->n_rules; i++)
        for (size_t k = 0; k < p->rules[i].n_on; k++)
            *LIST_PUSH(c->a, &uses) = (struct type_use){.type = p->rules[i].on[k], .rule = &p->rules[i]};
    if (uses.n) qsort(uses.items, uses.n, sizeof *uses.items, by_type_and_rule);
    const struct rule **rules = NEW_ARRAY(c->a, const struct rule *, uses.n);
    struct type_rules *types = NEW_ARRAY(c->a, struct type_rules, uses.n);
    for (size_t i = 0; i < uses.n; i++) {
        struct str type = uses.items[i].type;
        rules[i] = uses.items[i].rule;
        if (i == 0 || !str_eq(type, uses.items[i - 1].type))
            types[p->n_types++] = (struct type_rules){.type = type, .no = number_of(c, CODE_TYPE, type), .rules = &rules[i]};
        types[p->n_types - 1].n++;
    }
    p->types = types;
}

/* ---- the whole ---- */

/* Only where there are no faults: a settings definition of the wrong shape does not name the zone that its number was made for. */
static void take_zones(struct compiling *c) {
    struct program *p = c->p;
    p->zone_no = number_of(c, CODE_ZONE, p->zone->name);
    if (c->in->zone_before.n == 0) return;
    p->zone_before = zone_find(c->in->zone_before);
    p->zone_before_no = number_of(c, CODE_ZONE, c->in->zone_before);
    p->zone_from_ms = c->in->zone_from_ms;
    if (!p->zone_before)
        (void)fault_add(c->faults, P_DEFINITION, STR(""), "the tenant's former time zone \"" STR_FMT "\" is not known here",
                        STR_ARG(c->in->zone_before));
}

enum problem program_compile(struct arena *a, const struct compile_in *in, struct program **out, struct faults *faults) {
    size_t before = faults_so_far(faults);
    struct program *p = NEW(a, struct program);
    *p =
        (struct program){.tenant = in->tenant, .version = in->version, .enabled = true, .window_ms = WINDOW_MS_DEFAULT, .zone = zone_utc()};
    struct compiling c = {.a = a, .in = in, .faults = faults, .all = faults, .p = p, .n_drafts = in->n_definitions};
    *out = NULL;
    take_numbers(&c);
    c.drafts = drafts_read(&c);
    note_unplaced(&c, in->list);
    declare(&c);
    check_counts(&c);
    compile_kinds(&c);
    check_caps(&c);
    check_window(&c);
    qsort(c.rules, p->n_rules, sizeof *c.rules, by_priority_and_code);
    index_numbers(&c);
    index_types(&c);
    check_program(&c);
    if (faults_so_far(faults) == before) take_zones(&c);
    enum problem problem = first_problem(faults, before);
    if (problem == P_OK) *out = p;
    return problem;
}

/* ---- look-ups ---- */

const struct type_rules *program_type(const struct program *p, struct str type) {
    size_t lo = 0, hi = p->n_types;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = str_cmp(type, p->types[mid].type);
        if (order == 0) return &p->types[mid];
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

/* Of these there are few, or they are asked for by people. */
#define FIND_IN(list, n, condition)                                                                                                        \
    for (size_t i = 0; i < (n); i++)                                                                                                       \
        if (condition) return &(list)[i];                                                                                                  \
    return NULL

const struct currency *program_currency(const struct program *p, struct str code) {
    FIND_IN(p->currencies, p->n_currencies, str_eq(p->currencies[i].code, code));
}
const struct currency *program_currency_no(const struct program *p, uint16_t no) {
    FIND_IN(p->currencies, p->n_currencies, p->currencies[i].no == no);
}
const struct rule *program_rule(const struct program *p, struct str code) { FIND_IN(p->rules, p->n_rules, str_eq(p->rules[i].code, code)); }
const struct ladder *program_ladder(const struct program *p, struct str code) {
    FIND_IN(p->ladders, p->n_ladders, str_eq(p->ladders[i].code, code));
}
const struct ladder *program_ladder_no(const struct program *p, uint16_t no) { FIND_IN(p->ladders, p->n_ladders, p->ladders[i].no == no); }

/* Metrics and rules are looked for by every award. */
const struct metric *program_metric_no(const struct program *p, uint16_t no) {
    const struct metric wanted = {.no = no}, *key = &wanted;
    const struct metric *const *found = bsearch(&key, p->metrics_by_no, p->n_metrics, sizeof key, metric_by_no);
    return found ? *found : NULL;
}
const struct rule *program_rule_no(const struct program *p, uint16_t no) {
    const struct rule wanted = {.no = no}, *key = &wanted;
    const struct rule *const *found = bsearch(&key, p->rules_by_no, p->n_rules, sizeof key, rule_by_no);
    return found ? *found : NULL;
}

struct str program_code(const struct program *p, enum code_kind kind, uint16_t no) {
    const struct code_number wanted = {.kind = kind, .no = no};
    const struct code_number *found = bsearch(&wanted, p->codes, p->n_codes, sizeof wanted, by_kind_and_no);
    return found ? found->code : STR("");
}

size_t ladder_index(const struct ladder *l, int64_t lifetime) {
    size_t lo = 0, hi = l->n_levels; /* the answer is lo; levels[hi] is not reached */
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (l->levels[mid].at <= lifetime)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}
