#include "engine/kinds.h"

#define PRIORITY_MAX    1000
#define LIMIT_COUNT_MAX INT64_C(1000000000)
#define BY_MAX          (INT64_C(1000000000) * 1000) /* thousandths */
/* Payments of a rule with a cooldown are kept for window + cooldown, so it has an end; what is rarer than once a year is a limit. */
#define COOLDOWN_S_MAX (INT64_C(366) * 24 * 60 * 60)

struct audience_form {
    struct shape_list types; /* struct str */
    bool has_types;
    const struct json *when;
};
struct by_form {
    int64_t by; /* thousandths, when expr is NULL */
    const struct json *expr;
};
struct count_form {
    struct str metric;
    struct by_form by;
};
struct limit_form {
    int64_t count;
    int per; /* index in per_names */
    struct str zone;
};
struct rule_form {
    int kind;
    struct str code, name;
    struct shape_list on; /* struct str */
    bool enabled, has_starts, has_ends, has_counts, has_grants;
    int64_t priority, starts_at, ends_at;
    struct audience_form audience;
    const struct json *when;
    struct shape_list counts; /* struct count_form */
    int count_when;
    struct shape_list grants; /* struct grant_form */
    int64_t cooldown_s;
    struct shape_list limits; /* struct limit_form */
};

/* ---- shapes: readers of what is no plain field ---- */

bool type_is_valid(const struct json *v) {
    return v->type == JSON_STRING && v->string.n >= 1 && v->string.n <= TYPE_BYTES_MAX && !str_has_control(v->string);
}

static void types_read(struct shape_reading *r, const struct json *v, struct str pointer, void *into) {
    struct shape_list *out = into;
    uint32_t n = v->type != JSON_ARRAY ? 0 : v->n > TYPES_PER_RULE_MAX ? TYPES_PER_RULE_MAX : v->n;
    if (n == 0 || n != v->n) (void)fault_add(r->faults, P_VALIDATION, pointer, "must be a list of 1 … %d event types", TYPES_PER_RULE_MAX);
    struct str *types = NEW_ARRAY(r->arena, struct str, n);
    for (size_t i = 0; i < n; i++) {
        struct str at = pointer_index(r->arena, pointer, i);
        if (!type_is_valid(&v->items[i])) {
            (void)fault_add(r->faults, P_VALIDATION, at, "must be a text of 1 … %d bytes without control characters", TYPE_BYTES_MAX);
            continue;
        }
        types[i] = v->items[i].string;
        for (size_t k = 0; k < i; k++)
            if (str_eq(types[k], types[i])) (void)fault_add(r->faults, P_VALIDATION, at, "stands in this list twice");
    }
    *out = (struct shape_list){types, n};
}
#define TYPES_SCHEMA                                                                                                                       \
    "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":128},\"minItems\":1,\"maxItems\":16,"                \
    "\"uniqueItems\":true}"

static void by_read(struct shape_reading *r, const struct json *v, struct str pointer, void *into) {
    struct by_form *out = into;
    struct decimal d;
    if (v->type == JSON_OBJECT) {
        out->expr = v;
        return;
    }
    if (v->type == JSON_NUMBER && decimal_from_double(v->number, &d) && d.places <= 3) {
        out->by = decimal_millionths(d) / 1000;
        if (out->by >= 1 && out->by <= BY_MAX) return;
    }
    (void)fault_add(r->faults, P_VALIDATION, pointer, "must be a number above 0 and up to %lld with at most 3 places, or an expression",
                    (long long)(BY_MAX / 1000));
}
#define BY_SCHEMA                                                                                                                          \
    "{\"oneOf\":[{\"type\":\"number\",\"exclusiveMinimum\":0,\"maximum\":1000000000},"                                                     \
    "{\"type\":\"object\",\"minProperties\":1,\"maxProperties\":1}]}"

/* ---- shapes: tables ---- */

static void audience_check(struct shape_reading *r, const void *filled, struct str pointer) {
    const struct audience_form *audience = filled;
    if (!audience->has_types && !audience->when) (void)fault_add(r->faults, P_VALIDATION, pointer, "needs types or when");
}
static const struct field audience_fields[] = {
    {.name = "types",
     .type = F_CODES,
     AT_IF(audience_form, types, has_types),
     .lo = 1,
     .hi = TYPES_PER_RULE_MAX,
     .doc = "Types of members."},
    {.name = "when", .type = F_JSON, AT(audience_form, when), .doc = "An expression that is true for the members meant."},
};
static const struct shape audience_shape = {.name = "Audience",
                                            .size = sizeof(struct audience_form),
                                            SHAPE_FIELDS(audience_fields),
                                            .check = audience_check,
                                            .doc = "The members that a rule is for."};

static const struct field count_fields[] = {
    {.name = "metric", .type = F_CODE, .required = true, AT(count_form, metric), .doc = "The metric; it needs no definition."},
    {.name = "by",
     .type = F_CUSTOM,
     .required = true,
     AT(count_form, by),
     .read = by_read,
     .schema = BY_SCHEMA,
     .doc = "How much is added: a number with at most 3 places, or an expression."},
};
static const struct shape count_shape = {
    .name = "Count", .size = sizeof(struct count_form), SHAPE_FIELDS(count_fields), .doc = "What an event adds to a metric."};

static const char *const per_names[] = {"hour", "day", "week", "month", "ever", NULL};
static const enum period_kind per_kinds[] = {PERIOD_HOUR, PERIOD_DAY, PERIOD_WEEK, PERIOD_MONTH, PERIOD_EVER};
static_assert(COUNT(per_kinds) == LIMITS_PER_RULE_MAX, "one limit per kind of period");
static const struct field limit_fields[] = {
    {.name = "count",
     .type = F_INTEGER,
     .required = true,
     AT(limit_form, count),
     .lo = 1,
     .hi = LIMIT_COUNT_MAX,
     .doc = "How often the rule pays a member in the period."},
    {.name = "per", .type = F_ENUM, .required = true, AT(limit_form, per), .names = per_names, .doc = "A period of the calendar."},
    FIELD_ZONE(limit_form),
};
static const struct shape limit_shape = {
    .name = "RuleLimit", .size = sizeof(struct limit_form), SHAPE_FIELDS(limit_fields), .doc = "How often a rule may pay."};

static void rule_check(struct shape_reading *r, const void *filled, struct str pointer) {
    const struct rule_form *form = filled;
    if (!form->has_grants && !form->has_counts) (void)fault_add(r->faults, P_VALIDATION, pointer, "needs grant or count");
    if (form->starts_at && form->ends_at && form->ends_at <= form->starts_at)
        (void)fault_add(r->faults, P_VALIDATION, pointer_child(r->arena, pointer, STR("ends_at")), "must be after starts_at");
}

static const char *const kinds[] = {"rule", NULL};
static const char *const count_when_names[] = {"passed", "paid", NULL};
enum { COUNT_WHEN_PAID = 1 };
/* In this order stand the members of a stored rule, and so every `rand` in it (ENCODINGS, "Random amounts"). */
static const struct field fields[] = {
    FIELD_KIND(rule_form, kinds),
    FIELD_CODE(rule_form, true),
    FIELD_NAME(rule_form),
    {.name = "on",
     .type = F_CUSTOM,
     .required = true,
     AT(rule_form, on),
     .read = types_read,
     .schema = TYPES_SCHEMA,
     .doc = "The types of events it applies to."},
    {.name = "enabled", .type = F_BOOL, AT(rule_form, enabled), .dflt = true, .doc = "When false, it pays and counts nothing."},
    {.name = "priority",
     .type = F_INTEGER,
     AT(rule_form, priority),
     .lo = -PRIORITY_MAX,
     .hi = PRIORITY_MAX,
     .doc = "Rules of one event run by priority, high first, then by code."},
    {.name = "starts_at", .type = F_TIME, AT_IF(rule_form, starts_at, has_starts), .doc = "Events before it are not meant."},
    {.name = "ends_at", .type = F_TIME, AT_IF(rule_form, ends_at, has_ends), .doc = "Events at or after it are not meant."},
    {.name = "audience", .type = F_OBJECT, AT(rule_form, audience), .sub = &audience_shape, .doc = "Everyone unless given."},
    {.name = "when", .type = F_JSON, AT(rule_form, when), .doc = "An expression that has to be true."},
    {.name = "count",
     .type = F_LIST,
     AT_IF(rule_form, counts, has_counts),
     .lo = 1,
     .hi = COUNTS_PER_RULE_MAX,
     .sub = &count_shape,
     .doc = "What it counts."},
    {.name = "count_when",
     .type = F_ENUM,
     AT(rule_form, count_when),
     .names = count_when_names,
     .doc = "Whether it counts whenever condition and audience pass (default), or only when it paid."},
    {.name = "grant",
     .type = F_LIST,
     AT_IF(rule_form, grants, has_grants),
     .lo = 1,
     .hi = GRANTS_PER_RULE_MAX,
     .sub = &grant_shape,
     .doc = "What it pays; each currency once."},
    {.name = "cooldown_s",
     .type = F_INTEGER,
     AT(rule_form, cooldown_s),
     .lo = 0,
     .hi = COOLDOWN_S_MAX,
     .doc = "Seconds between two payments of a member."},
    {.name = "limits",
     .type = F_LIST,
     AT(rule_form, limits),
     .lo = 1,
     .hi = LIMITS_PER_RULE_MAX,
     .sub = &limit_shape,
     .doc = "How often it pays a member; one per kind of period."},
};
const struct shape rule_shape = {
    .name = "Rule", .size = sizeof(struct rule_form), SHAPE_FIELDS(fields), .check = rule_check, .doc = "What an event earns and counts."};

/* ---- compiling ---- */

static const struct count *counts_compile(struct compiling *c, const struct shape_list *forms, struct str pointer,
                                          const struct expr_names *names, uint32_t *rand_n) {
    const struct count_form *form = forms->items;
    struct count *counts = NEW_ARRAY(c->a, struct count, forms->n);
    for (size_t i = 0; i < forms->n; i++) {
        struct str at = at_item(c, pointer, "count", i), metric = at_key(c, at, "metric");
        counts[i].metric = metric_declared(c, form[i].metric, metric);
        metric_code_check(c, form[i].metric, metric);
        counts[i].by = form[i].by.by;
        counts[i].by_expr = expression_compile(c, form[i].by.expr, at_key(c, at, "by"), names, rand_n);
        for (size_t k = 0; k < i; k++)
            if (counts[k].metric == counts[i].metric) {
                (void)fault_add(c->faults, P_DEFINITION, metric, "this rule counts it already");
                break;
            }
    }
    return counts;
}

static const struct rule_limit *limits_compile(const struct compiling *c, const struct shape_list *forms, struct str pointer) {
    const struct limit_form *form = forms->items;
    struct rule_limit *limits = NEW_ARRAY(c->a, struct rule_limit, forms->n);
    uint32_t seen = 0;
    for (size_t i = 0; i < forms->n; i++) {
        struct str at = at_item(c, pointer, "limits", i), its_per = at_key(c, at, "per");
        enum period_kind per = per_kinds[form[i].per];
        limits[i] = (struct rule_limit){.count = form[i].count, .per = per, .zone = zone_compile(c, form[i].zone, at_key(c, at, "zone"))};
        if (is_misshapen(c, its_per)) continue;
        if (seen & 1u << per) (void)fault_add(c->faults, P_DEFINITION, its_per, "this rule has such a limit already");
        seen |= 1u << per;
    }
    return limits;
}

/* A rule that grants nothing is never paid: what waits for a payment would silently do nothing. */
static void check_unpaid(const struct compiling *c, const struct rule_form *form, struct str pointer) {
    if (form->has_grants) return;
    const char *idle[] = {form->count_when == COUNT_WHEN_PAID ? "count_when" : NULL, form->cooldown_s > 0 ? "cooldown_s" : NULL,
                          form->limits.n ? "limits" : NULL};
    for (size_t i = 0; i < COUNT(idle); i++)
        if (idle[i]) (void)fault_add(c->faults, P_DEFINITION, at_key(c, pointer, idle[i]), "has no effect in a rule without grant");
}

/* Expressions in the order of the fields: each takes its numbers of `rand`. */
static void expressions_compile(struct compiling *c, const struct rule_form *form, struct str pointer, struct rule *rule) {
    struct str audience = at_key(c, pointer, "audience");
    struct expr_names names = rule_names(c);
    uint32_t rand_n = 0;
    rule->audience_when = expression_compile(c, form->audience.when, at_key(c, audience, "when"), &names, &rand_n);
    rule->when = expression_compile(c, form->when, at_key(c, pointer, "when"), &names, &rand_n);
    rule->counts = counts_compile(c, &form->counts, pointer, &names, &rand_n);
    rule->n_counts = (uint8_t)form->counts.n;
    rule->grants = grants_compile(c, &form->grants, at_key(c, pointer, "grant"), &names, &rand_n, &rule->n_grants);
}

void rule_compile(struct compiling *c, const struct drafted *d) {
    const struct rule_form *form = d->form;
    struct rule *rule = rule_known(c, d->definition->code);
    MUST(rule);
    struct str pointer = d->definition->pointer;
    rule->name = form->name;
    rule->enabled = form->enabled;
    rule->priority = form->priority;
    rule->starts_at = form->has_starts ? form->starts_at : 0;
    rule->ends_at = form->has_ends ? form->ends_at : INT64_MAX;
    rule->on = form->on.items;
    rule->n_on = is_misshapen(c, at_key(c, pointer, "on")) ? 0 : (uint8_t)form->on.n; /* what is no type has no number */
    rule->audience_types = form->audience.types.items;
    rule->n_audience_types = (uint8_t)form->audience.types.n;
    rule->count_when_paid = form->count_when == COUNT_WHEN_PAID;
    rule->cooldown_ms = form->cooldown_s * MS_SECOND;
    rule->source = arena_copy(c->a, &d->definition->body, sizeof(struct json));
    rule->limits = limits_compile(c, &form->limits, pointer);
    rule->n_limits = (uint8_t)form->limits.n;
    expressions_compile(c, form, pointer, rule);
    check_unpaid(c, form, pointer);
}
