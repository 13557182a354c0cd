#include "engine/kinds.h"

#include <string.h>

/* In the order in which they are compiled: settings give the zone, what rules refer to comes before them. */
const struct kind_row kind_rows[] = {
    {.name = "settings", .code_kind = 0, .shape = &settings_shape, .compile = settings_compile},
    {.name = "metric", .code_kind = CODE_METRIC, .shape = &metric_shape, .compile = metric_compile},
    {.name = "currency", .code_kind = CODE_CURRENCY, .shape = &currency_shape, .compile = currency_compile},
    {.name = "level_ladder", .code_kind = CODE_LADDER, .shape = &level_ladder_shape, .compile = level_ladder_compile},
    {.name = "rule", .code_kind = CODE_RULE, .shape = &rule_shape, .compile = rule_compile},
    {.name = NULL},
};

const struct kind_row *kind_find(struct str name) {
    for (const struct kind_row *row = kind_rows; row->name; row++)
        if (str_is(name, row->name)) return row;
    return NULL;
}

struct str kind_names(struct arena *a) {
    struct buf b = buf_new(a, 256);
    for (const struct kind_row *row = kind_rows; row->name; row++) buf_f(&b, "%s%s", b.n ? ", " : "", row->name);
    MUST(buf_ok(&b));
    return buf_str(&b);
}

size_t faults_so_far(const struct faults *f) { return f->list.n + f->more; }

enum problem first_problem(const struct faults *f, size_t before) {
    if (faults_so_far(f) == before) return P_OK;
    return before < f->list.n ? f->list.items[before].problem : P_DEFINITION;
}

/* ---- what is wrong already ---- */

bool draft_misshapen(const struct compiling *c, const struct drafted *d, struct str pointer) {
    for (size_t i = d->faults_from; i < d->faults_to; i++) {
        struct str wrong = c->all->list.items[i].pointer;
        if (pointer_within(pointer, wrong) || pointer_within(wrong, pointer)) return true;
    }
    return false;
}

bool is_misshapen(const struct compiling *c, struct str pointer) { return draft_misshapen(c, c->draft, pointer); }

/* Whether a broken definition may be what a reference means: one whose code, or kind, could not be read; or, for a metric, a rule
 * whose counts could not. */
static bool may_be_meant(const struct compiling *c, enum code_kind kind, struct str code) {
    for (size_t i = 0; i < c->n_unplaced; i++) {
        const struct code_number *u = &c->unplaced[i];
        if ((u->kind == 0 && u->code.n == 0) || ((u->kind == 0 || u->kind == kind) && str_eq(u->code, code))) return true;
    }
    for (size_t i = 0; i < c->n_drafts; i++) {
        const struct drafted *d = &c->drafts[i];
        if (d->kind->code_kind == kind && d->definition->code.n == 0) return true;
        if (kind == CODE_METRIC && d->kind->code_kind == CODE_RULE && draft_misshapen(c, d, at_key(c, d->definition->pointer, "count")))
            return true;
    }
    return false;
}

/* ---- references ---- */

/* All the program's arrays are sorted by a code at a fixed place. */
static void *by_code(void *items, size_t n, size_t size, size_t code_offset, struct str code) {
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        char *item = (char *)items + mid * size;
        struct str found;
        memcpy(&found, item + code_offset, sizeof found);
        int order = str_cmp(code, found);
        if (order == 0) return item;
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

struct currency *currency_declared(const struct compiling *c, struct str code, struct str pointer) {
    struct currency *found = by_code(c->currencies, c->p->n_currencies, sizeof *found, offsetof(struct currency, code), code);
    if (!found && !may_be_meant(c, CODE_CURRENCY, code))
        (void)fault_add(c->faults, P_DEFINITION, pointer, "there is no currency \"" STR_FMT "\"", STR_ARG(code));
    return found;
}

struct metric *metric_known(const struct compiling *c, struct str code) {
    return by_code(c->metrics, c->p->n_metrics, sizeof *c->metrics, offsetof(struct metric, code), code);
}

struct metric *metric_declared(const struct compiling *c, struct str code, struct str pointer) {
    struct metric *found = metric_known(c, code);
    if (!found) (void)fault_add(c->faults, P_DEFINITION, pointer, "there is no metric \"" STR_FMT "\"", STR_ARG(code));
    return found;
}

struct ladder *ladder_known(const struct compiling *c, struct str code) {
    return by_code(c->ladders, c->p->n_ladders, sizeof *c->ladders, offsetof(struct ladder, code), code);
}

struct ladder *ladder_declared(const struct compiling *c, struct str code, struct str pointer) {
    struct ladder *found = ladder_known(c, code);
    if (!found && !may_be_meant(c, CODE_LADDER, code))
        (void)fault_add(c->faults, P_DEFINITION, pointer, "there is no level ladder \"" STR_FMT "\"", STR_ARG(code));
    return found;
}

struct rule *rule_known(const struct compiling *c, struct str code) {
    return by_code(c->rules, c->p->n_rules, sizeof *c->rules, offsetof(struct rule, code), code);
}

/* ---- zones, pointers, expressions ---- */

struct zone_ref zone_compile(const struct compiling *c, struct str text, struct str pointer) {
    if (text.n == 0 || str_is(text, "tenant")) return (struct zone_ref){.of = ZONE_TENANT};
    if (str_is(text, "member")) return (struct zone_ref){.of = ZONE_MEMBER};
    const struct zone *zone = zone_find(text);
    if (!zone) {
        (void)fault_add(c->faults, P_DEFINITION, pointer, "there is no time zone \"" STR_FMT "\"", STR_ARG(text));
        return (struct zone_ref){.of = ZONE_TENANT};
    }
    return (struct zone_ref){.of = ZONE_NAMED, .zone = zone};
}

struct str at_key(const struct compiling *c, struct str parent, const char *key) {
    return pointer_child(c->a, parent, str_of(key));
}

struct str at_item(const struct compiling *c, struct str parent, const char *key, size_t index) {
    return pointer_index(c->a, at_key(c, parent, key), index);
}

const struct expr *expression_compile(const struct compiling *c, const struct json *source, struct str pointer,
                                      const struct expr_names *names, uint32_t *rand_n) {
    struct expr *e = NULL;
    if (!source || expr_compile(c->a, source, pointer, names, rand_n, &e, c->faults) != P_OK) return NULL;
    return e;
}

/* `metric.<code>` is ever, `metric.<code>.day` the period. */
static bool metric_name_known(const struct compiling *c, struct str rest, const char **why) {
    enum period_kind kind = metric_period_cut(&rest);
    const struct metric *metric = metric_known(c, rest);
    if (!metric && may_be_meant(c, CODE_METRIC, rest)) return true;
    if (!metric)
        *why = "names a metric that no rule counts and no definition has";
    else if (!(metric->periods & 1u << kind))
        *why = "names a period that the metric does not keep";
    else
        return true;
    return false;
}

static bool after(struct str name, const char *prefix, struct str *rest) {
    size_t n = strlen(prefix);
    if (!str_starts(name, prefix) || name.n == n) return false;
    *rest = (struct str){name.p + n, name.n - n};
    return true;
}

static bool rule_name_known(void *ctx, struct str name, const char **why) {
    const struct compiling *c = ctx;
    struct str rest;
    if (str_is(name, "event.type") || str_is(name, "event.time") || str_is(name, "member.type")) return true;
    if (after(name, "event.data.", &rest) || after(name, "member.attributes.", &rest) || after(name, "member.groups.", &rest)) return true;
    if (after(name, "metric.", &rest)) return metric_name_known(c, rest, why);
    if (!after(name, "member.level.", &rest))
        *why = "is not a variable";
    else if (!ladder_known(c, rest) && !may_be_meant(c, CODE_LADDER, rest))
        *why = "names a level ladder that does not exist";
    else
        return true;
    return false;
}

struct expr_names rule_names(struct compiling *c) {
    return (struct expr_names){.ctx = c, .known = rule_name_known};
}
