#include "engine/kinds.h"

enum { PRIVILEGES_MAX = 16 };
static_assert(LEVELS_MAX <= UINT16_MAX, "n_levels is 16 bits wide");

struct level_form {
    int64_t at;
    struct str name, icon, animation;
    struct shape_list privileges; /* struct str */
    struct shape_list grants;     /* struct grant_form */
};
struct formula_form {
    const struct json *to_next;
    int64_t max_level;
};
struct ladder_form {
    int kind;
    struct str code, name, currency;
    int64_t first_level;
    struct shape_list levels; /* struct level_form */
    bool has_levels, has_formula;
    struct formula_form formula;
    struct shape_list grant_each; /* struct grant_form */
};

static const struct field level_fields[] = {
    {.name = "at",
     .type = F_INTEGER,
     .required = true,
     AT(level_form, at),
     .lo = 0,
     .hi = AMOUNT_MAX,
     .doc = "Lifetime earned from which the level is reached; the first is 0."},
    FIELD_NAME(level_form),
    {.name = "icon", .type = F_STRING, AT(level_form, icon), .lo = 1, .hi = NAME_BYTES_MAX, .doc = "For those who show it."},
    {.name = "animation", .type = F_STRING, AT(level_form, animation), .lo = 1, .hi = NAME_BYTES_MAX, .doc = "For those who show it."},
    {.name = "privileges",
     .type = F_CODES,
     AT(level_form, privileges),
     .lo = 1,
     .hi = PRIVILEGES_MAX,
     .doc = "What members of this level may do, in the tenant's own words."},
    {.name = "grant",
     .type = F_LIST,
     AT(level_form, grants),
     .lo = 1,
     .hi = GRANTS_PER_RULE_MAX,
     .sub = &level_grant_shape,
     .doc = "Paid when this level is reached, after grant_each."},
};
static const struct shape level_shape = {
    .name = "Level", .size = sizeof(struct level_form), SHAPE_FIELDS(level_fields), .doc = "One level of a ladder."};

static const struct field formula_fields[] = {
    {.name = "to_next",
     .type = F_JSON,
     .required = true,
     AT(formula_form, to_next),
     .doc = "An expression of {\"var\":\"level\"}: what is to be earned from that level to the next, an integer of at least 1."},
    {.name = "max_level",
     .type = F_INTEGER,
     .required = true,
     AT(formula_form, max_level),
     .lo = 1,
     .hi = LEVELS_MAX,
     .doc = "The highest level."},
};
static const struct shape formula_shape = {
    .name = "LevelFormula", .size = sizeof(struct formula_form), SHAPE_FIELDS(formula_fields), .doc = "Levels by a curve."};

static void ladder_check(struct shape_reading *r, const void *filled, struct str pointer) {
    const struct ladder_form *form = filled;
    if (form->has_levels == form->has_formula) (void)fault_add(r->faults, P_VALIDATION, pointer, "needs either levels or a formula");
}

static const char *const kinds[] = {"level_ladder", NULL};
static const struct field fields[] = {
    FIELD_KIND(ladder_form, kinds),
    FIELD_CODE(ladder_form, true),
    FIELD_NAME(ladder_form),
    {.name = "currency", .type = F_CODE, .required = true, AT(ladder_form, currency), .doc = "Its lifetime earned decides the level."},
    {.name = "first_level",
     .type = F_INTEGER,
     AT(ladder_form, first_level),
     .lo = 0,
     .hi = 1,
     .dflt = 1,
     .doc = "The number of the lowest level."},
    {.name = "levels",
     .type = F_LIST,
     AT_IF(ladder_form, levels, has_levels),
     .lo = 1,
     .hi = LEVELS_MAX,
     .sub = &level_shape,
     .doc = "The table, ascending; or a formula."},
    {.name = "formula", .type = F_OBJECT, AT_IF(ladder_form, formula, has_formula), .sub = &formula_shape, .doc = "In place of levels."},
    {.name = "grant_each",
     .type = F_LIST,
     AT(ladder_form, grant_each),
     .lo = 1,
     .hi = GRANTS_PER_RULE_MAX,
     .sub = &level_grant_shape,
     .doc = "Paid once for every level above the first when it is reached."},
};
const struct shape level_ladder_shape = {.name = "LevelLadder",
                                         .size = sizeof(struct ladder_form),
                                         SHAPE_FIELDS(fields),
                                         .check = ladder_check,
                                         .doc = "Levels by the lifetime earned of a currency."};

/* ---- a table ---- */

static void level_compile(struct compiling *c, const struct level_form *form, struct str pointer, struct level *out) {
    *out = (struct level){.at = form->at,
                          .name = form->name,
                          .icon = form->icon,
                          .animation = form->animation,
                          .privileges = form->privileges.items,
                          .n_privileges = (uint8_t)form->privileges.n};
    out->grants = grants_compile(c, &form->grants, at_key(c, pointer, "grant"), NULL, NULL, &out->n_grants);
}

static void table_compile(struct compiling *c, const struct ladder_form *form, struct str pointer, struct ladder *ladder) {
    const struct level_form *from = form->levels.items;
    struct level *levels = NEW_ARRAY(c->a, struct level, form->levels.n);
    int64_t below = -1; /* where the level before begins */
    for (size_t i = 0; i < form->levels.n; i++) {
        struct str at = at_item(c, pointer, "levels", i), its_at = at_key(c, at, "at");
        level_compile(c, &from[i], at, &levels[i]);
        if (is_misshapen(c, its_at)) continue;
        if (i == 0 && from[i].at != 0) (void)fault_add(c->faults, P_DEFINITION, its_at, "the first level is at 0");
        if (i > 0 && from[i].at <= below) (void)fault_add(c->faults, P_DEFINITION, its_at, "must be above the level before");
        below = from[i].at;
    }
    if (is_misshapen(c, at_key(c, pointer, "levels"))) return; /* how many there are to be is not known */
    ladder->levels = levels;
    ladder->n_levels = (uint16_t)form->levels.n;
}

/* ---- a formula, which becomes a table too ---- */

static bool level_name_known(void *ctx, struct str name, const char **why) {
    (void)ctx;
    *why = "is not a variable; a formula knows `level` only";
    return str_is(name, "level");
}

static bool level_lookup(void *ctx, struct str name, struct arena *a, struct json *out, size_t *work) {
    (void)a, (void)work;
    *out = json_num((double)*(const int64_t *)ctx);
    return str_is(name, "level");
}

/* A formula is run once per level: what repeats a part of itself could make that take seconds. */
static bool has_loop(const struct json *v) {
    static const char *const loops[] = {"map", "filter", "reduce", "all", "some", "none"};
    bool found = false;
    if (v->type == JSON_ARRAY)
        for (uint32_t i = 0; i < v->n && !found; i++) found = has_loop(&v->items[i]);
    if (v->type != JSON_OBJECT) return found;
    for (size_t i = 0; i < COUNT(loops); i++) found |= json_get(v, loops[i]) != NULL;
    for (uint32_t i = 0; i < v->n && !found; i++) found = has_loop(&v->members[i].value);
    return found;
}

/* From `level` to the next; 0 with a fault where the formula gives no such number. */
static int64_t formula_step(struct compiling *c, const struct expr *e, int64_t level, struct str pointer) {
    struct expr_scope scope = {.ctx = &level, .lookup = level_lookup};
    struct expr_stop stop;
    struct json v;
    int64_t step = 0;
    if (expr_eval(e, &scope, c->a, &v, &stop) != EXPR_OK)
        (void)fault_add(c->faults, P_DEFINITION, pointer, "at level %lld: %s", (long long)level, stop.what);
    else if (!json_is_integer(&v, 1, AMOUNT_MAX, &step))
        (void)fault_add(c->faults, P_DEFINITION, pointer, "at level %lld it is not an integer of 1 … %lld", (long long)level,
                        (long long)AMOUNT_MAX);
    return step;
}

static void formula_compile(struct compiling *c, const struct ladder_form *form, struct str pointer, struct ladder *ladder) {
    static const struct expr_names names = {.known = level_name_known};
    struct str to_next = at_key(c, pointer, "to_next");
    const struct expr *e = expression_compile(c, form->formula.to_next, to_next, &names, NULL);
    int64_t n = form->formula.max_level - form->first_level + 1;
    if (n > LEVELS_MAX)
        (void)fault_add(c->faults, P_DEFINITION, at_key(c, pointer, "max_level"), "a ladder has at most %d levels", LEVELS_MAX);
    bool loops = form->formula.to_next && has_loop(form->formula.to_next);
    if (loops) (void)fault_add(c->faults, P_DEFINITION, to_next, "a formula has no operators over lists");
    if (!e || loops || n > LEVELS_MAX || n < 1) return;
    struct level *levels = NEW_ARRAY(c->a, struct level, (size_t)n);
    for (int64_t i = 1; i < n; i++) {
        int64_t level = form->first_level + i - 1, step = formula_step(c, e, level, to_next);
        if (step == 0) return;
        levels[i].at = levels[i - 1].at + step;
        if (levels[i].at > AMOUNT_MAX) {
            (void)fault_add(c->faults, P_DEFINITION, to_next, "level %lld would be beyond %lld", (long long)level + 1,
                            (long long)AMOUNT_MAX);
            return;
        }
    }
    if (is_misshapen(c, pointer)) return;
    ladder->levels = levels;
    ladder->n_levels = (uint16_t)n;
}

void level_ladder_compile(struct compiling *c, const struct drafted *d) {
    const struct ladder_form *form = d->form;
    struct ladder *ladder = ladder_known(c, d->definition->code);
    MUST(ladder);
    struct str pointer = d->definition->pointer;
    ladder->name = form->name;
    ladder->currency = currency_declared(c, form->currency, at_key(c, pointer, "currency"));
    ladder->first_level = form->first_level;
    ladder->grant_each = grants_compile(c, &form->grant_each, at_key(c, pointer, "grant_each"), NULL, NULL, &ladder->n_grant_each);
    if (form->has_formula)
        formula_compile(c, form, at_key(c, pointer, "formula"), ladder);
    else
        table_compile(c, form, pointer, ladder);
}
