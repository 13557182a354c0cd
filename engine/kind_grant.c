/* Grants, as rules and ladders have them. A ladder's are simpler, because nobody evaluates an expression when a level is paid:
 * fixed amounts, and factors that always apply. */
#include "engine/kinds.h"

enum { RANDOM_MIN = 1, RANDOM_MAX = 1000 };          /* REQUIREMENTS A4 */
#define MULTIPLY_MAX (INT64_C(1000000) * 1000000)    /* a million, in millionths */
#define ADD_MAX      (INT64_C(1000000000) * 1000000) /* a (US) billion, in millionths */
static_assert((int64_t)RANDOM_MAX <= (int64_t)EXPR_RAND_BOUND, "a random amount is a rand");
static_assert(FACTORS_MAX <= 8, "an outcome has a bit of one byte per factor");

/* ---- shapes ---- */

static void factor_check(struct shape_reading *r, const void *filled, struct str pointer) {
    const struct factor_form *f = filled;
    if (!f->has_multiply && !f->has_add)
        (void)fault_add(r->faults, P_VALIDATION, pointer_child(r->arena, pointer, STR("multiply")), "this or add is needed");
}

#define FIELD_WHEN(form)                                                                                                                   \
    { .name = "when", .type = F_JSON, AT(form, when), .doc = "An expression; the factor applies only where it is true." }
#define FIELDS_FACTOR                                                                                                                      \
    {.name = "multiply",                                                                                                                   \
     .type = F_DECIMAL,                                                                                                                    \
     AT_IF(factor_form, multiply, has_multiply),                                                                                           \
     .lo = 0,                                                                                                                              \
     .hi = MULTIPLY_MAX,                                                                                                                   \
     .doc = "The amount is multiplied by it."},                                                                                            \
        {.name = "add",                                                                                                                    \
         .type = F_DECIMAL,                                                                                                                \
         AT_IF(factor_form, add, has_add),                                                                                                 \
         .lo = -ADD_MAX,                                                                                                                   \
         .hi = ADD_MAX,                                                                                                                    \
         .doc = "Added after multiplying; may be negative."},                                                                              \
    {                                                                                                                                      \
        .name = "why", .type = F_STRING, AT(factor_form, why), .lo = 1, .hi = NAME_BYTES_MAX, .doc = "Shown in the steps of the outcome."  \
    }

static const struct field factor_fields[] = {FIELD_WHEN(factor_form), FIELDS_FACTOR};
static const struct shape factor_shape = {.name = "Factor",
                                          .size = sizeof(struct factor_form),
                                          SHAPE_FIELDS(factor_fields),
                                          .check = factor_check,
                                          .doc = "What changes an amount, in listed order."};
static const struct field level_factor_fields[] = {FIELDS_FACTOR};
static const struct shape level_factor_shape = {.name = "LevelFactor",
                                                .size = sizeof(struct factor_form),
                                                SHAPE_FIELDS(level_factor_fields),
                                                .check = factor_check,
                                                .doc = "What changes the amount of a level's grant, in listed order."};

static void random_read(struct shape_reading *r, const struct json *v, struct str pointer, struct amount_form *out) {
    const struct json *range = json_get(v, "random");
    out->how = AMOUNT_RANDOM;
    if (v->n == 1 && range->type == JSON_ARRAY && range->n == 2 && json_is_integer(&range->items[0], RANDOM_MIN, RANDOM_MAX, &out->low) &&
        json_is_integer(&range->items[1], out->low, RANDOM_MAX, &out->high))
        return;
    (void)fault_add(r->faults, P_VALIDATION, pointer_child(r->arena, pointer, STR("random")),
                    "must be [low, high] with %d <= low <= high <= %d", RANDOM_MIN, RANDOM_MAX);
}

static void amount_read(struct shape_reading *r, const struct json *v, struct str pointer, void *into) {
    struct amount_form *out = into;
    if (json_get(v, "random")) {
        random_read(r, v, pointer, out);
    } else if (v->type == JSON_OBJECT) {
        out->how = AMOUNT_EXPR;
        out->expr = v;
    } else if (!json_is_integer(v, 1, AMOUNT_MAX, &out->amount)) {
        enum problem p = v->type == JSON_NUMBER && v->number > (double)AMOUNT_MAX ? P_NUMBER : P_VALIDATION;
        (void)fault_add(r->faults, p, pointer, "must be an integer of 1 … %lld, {\"random\":[low, high]}, or an expression",
                        (long long)AMOUNT_MAX);
    }
}
#define AMOUNT_SCHEMA                                                                                                                      \
    "{\"oneOf\":[{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000000000000000},"                                                       \
    "{\"type\":\"object\",\"required\":[\"random\"],\"additionalProperties\":false,\"properties\":{\"random\":{\"type\":\"array\","        \
    "\"items\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000},\"minItems\":2,\"maxItems\":2}}},"                                    \
    "{\"type\":\"object\",\"not\":{\"required\":[\"random\"]},\"minProperties\":1,\"maxProperties\":1}]}"

static const struct field grant_fields[] = {
    {.name = "currency", .type = F_CODE, .required = true, AT(grant_form, currency), .doc = "What is granted."},
    {.name = "amount",
     .type = F_CUSTOM,
     .required = true,
     AT(grant_form, amount),
     .read = amount_read,
     .schema = AMOUNT_SCHEMA,
     .doc = "Fixed, random between two bounds (both included), or computed by an expression."},
    {.name = "factors",
     .type = F_LIST,
     AT(grant_form, factors),
     .lo = 1,
     .hi = FACTORS_MAX,
     .sub = &factor_shape,
     .doc = "Applied in this order."},
};
const struct shape grant_shape = {
    .name = "Grant", .size = sizeof(struct grant_form), SHAPE_FIELDS(grant_fields), .doc = "An amount of a currency that a rule pays."};

static const struct field level_grant_fields[] = {
    {.name = "currency", .type = F_CODE, .required = true, AT(grant_form, currency), .doc = "What is granted."},
    {.name = "amount", .type = F_INTEGER, .required = true, AT(grant_form, amount.amount), .lo = 1, .hi = AMOUNT_MAX, .doc = "Fixed."},
    {.name = "factors",
     .type = F_LIST,
     AT(grant_form, factors),
     .lo = 1,
     .hi = FACTORS_MAX,
     .sub = &level_factor_shape,
     .doc = "Applied in this order."},
};
const struct shape level_grant_shape = {.name = "LevelGrant",
                                        .size = sizeof(struct grant_form),
                                        SHAPE_FIELDS(level_grant_fields),
                                        .doc = "An amount of a currency that is paid when a level is reached."};

/* ---- compiling ---- */

static const struct factor *factors_compile(struct compiling *c, const struct shape_list *forms, struct str pointer,
                                            const struct expr_names *names, uint32_t *rand_n) {
    const struct factor_form *form = forms->items;
    struct factor *factors = NEW_ARRAY(c->a, struct factor, forms->n);
    for (size_t i = 0; i < forms->n; i++) {
        struct str when = at_key(c, at_item(c, pointer, "factors", i), "when");
        factors[i] = (struct factor){.when = expression_compile(c, form[i].when, when, names, rand_n),
                                     .has_multiply = form[i].has_multiply,
                                     .has_add = form[i].has_add,
                                     .multiply = form[i].multiply,
                                     .add = form[i].add,
                                     .why = form[i].why};
    }
    return factors;
}

/* An outcome names a grant that was denied by its rule and currency alone: so a currency stands in a list once. */
static void check_distinct(const struct compiling *c, const struct grant_form *forms, size_t i, struct str pointer) {
    for (size_t k = 0; k < i; k++)
        if (str_eq(forms[k].currency, forms[i].currency)) {
            (void)fault_add(c->faults, P_DEFINITION, at_key(c, pointer, "currency"), "another grant of this list has the same currency");
            return;
        }
}

const struct grant *grants_compile(struct compiling *c, const struct shape_list *forms, struct str pointer, const struct expr_names *names,
                                   uint32_t *rand_n, uint8_t *n) {
    const struct grant_form *form = forms->items;
    struct grant *grants = NEW_ARRAY(c->a, struct grant, forms->n);
    for (size_t i = 0; i < forms->n; i++) {
        struct str at = pointer_index(c->a, pointer, i);
        const struct amount_form *amount = &form[i].amount;
        grants[i].currency = currency_declared(c, form[i].currency, at_key(c, at, "currency"));
        grants[i].how = amount->how;
        grants[i].amount = amount->amount;
        grants[i].low = amount->low;
        grants[i].high = amount->high;
        if (amount->how == AMOUNT_RANDOM) grants[i].random_n = (*rand_n)++;
        grants[i].expr = expression_compile(c, amount->expr, at_key(c, at, "amount"), names, rand_n);
        grants[i].factors = factors_compile(c, &form[i].factors, at, names, rand_n);
        grants[i].n_factors = (uint8_t)form[i].factors.n;
        check_distinct(c, form, i, at);
        check_amount(c, &grants[i], at);
    }
    *n = (uint8_t)forms->n;
    return grants;
}
