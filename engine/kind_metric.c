#include "engine/kinds.h"

#include <string.h>

struct metric_form {
    int kind;
    struct str code, name, zone;
    uint32_t periods; /* bits by index in period_names */
};

static const char *const period_names[] = {"day", "week", "month", "ever", NULL};
static const enum period_kind period_kinds[] = {PERIOD_DAY, PERIOD_WEEK, PERIOD_MONTH, PERIOD_EVER};
enum { ALL_PERIODS = (1 << COUNT(period_kinds)) - 1 };

static const char *const kinds[] = {"metric", NULL};
static const struct field fields[] = {
    FIELD_KIND(metric_form, kinds),
    FIELD_CODE(metric_form, true),
    FIELD_NAME(metric_form),
    FIELD_ZONE(metric_form),
    {.name = "periods",
     .type = F_ENUMS,
     AT(metric_form, periods),
     .lo = 1,
     .hi = COUNT(period_kinds),
     .dflt = ALL_PERIODS,
     .names = period_names,
     .doc = "The periods that are counted apart; default all."},
};
const struct shape metric_shape = {.name = "Metric",
                                   .size = sizeof(struct metric_form),
                                   SHAPE_FIELDS(fields),
                                   .doc = "A number counted per member. One that rules only count needs no definition."};

enum period_kind metric_period_cut(struct str *name) {
    for (size_t i = 0; i < COUNT(period_kinds); i++) {
        size_t n = strlen(period_names[i]);
        if (period_kinds[i] == PERIOD_EVER || name->n <= n + 1) continue;
        if (name->p[name->n - n - 1] != '.' || memcmp(name->p + name->n - n, period_names[i], n) != 0) continue;
        name->n -= n + 1;
        return period_kinds[i];
    }
    return PERIOD_EVER;
}

void metric_code_check(const struct compiling *c, struct str code, struct str pointer) {
    if (metric_period_cut(&code) != PERIOD_EVER)
        (void)fault_add(c->faults, P_DEFINITION, pointer, "ends like a metric's period in an expression: .day, .week, .month are taken");
}

void metric_compile(struct compiling *c, const struct drafted *d) {
    const struct metric_form *form = d->form;
    struct metric *metric = metric_known(c, d->definition->code);
    MUST(metric);
    metric_code_check(c, metric->code, at_key(c, d->definition->pointer, "code"));
    metric->name = form->name;
    metric->zone = zone_compile(c, form->zone, at_key(c, d->definition->pointer, "zone"));
    if (is_misshapen(c, at_key(c, d->definition->pointer, "periods"))) return; /* it may be meant to keep any */
    metric->periods = 0;
    for (size_t i = 0; i < COUNT(period_kinds); i++)
        if (form->periods & 1u << i) metric->periods |= 1u << period_kinds[i];
}
