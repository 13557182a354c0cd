#include "engine/kinds.h"

struct cap_form {
    int64_t amount, plus_per_level;
    struct str ladder, zone;
    bool has_ladder;
};
struct currency_form {
    int kind;
    struct str code, name;
    bool spendable, has_cap;
    struct cap_form cap;
};

static const struct field cap_fields[] = {
    {.name = "amount",
     .type = F_INTEGER,
     .required = true,
     AT(cap_form, amount),
     .lo = 1,
     .hi = AMOUNT_MAX,
     .doc = "What rules may grant a member in one day."},
    {.name = "plus_per_level",
     .type = F_INTEGER,
     AT(cap_form, plus_per_level),
     .lo = 0,
     .hi = AMOUNT_MAX,
     .doc = "Added for every level above the first; needs a ladder."},
    {.name = "ladder", .type = F_CODE, AT_IF(cap_form, ladder, has_ladder), .doc = "The ladder whose level counts."},
    FIELD_ZONE(cap_form),
};

static void cap_check(struct shape_reading *r, const void *filled, struct str pointer) {
    const struct cap_form *cap = filled;
    if (cap->plus_per_level > 0 && !cap->has_ladder)
        (void)fault_add(r->faults, P_VALIDATION, pointer_child(r->arena, pointer, STR("ladder")), "is required with plus_per_level");
}

static const struct shape cap_shape = {.name = "DailyCap",
                                       .size = sizeof(struct cap_form),
                                       SHAPE_FIELDS(cap_fields),
                                       .check = cap_check,
                                       .doc = "A bound on what rules grant of a currency in one day."};

static const char *const kinds[] = {"currency", NULL};
static const struct field fields[] = {
    FIELD_KIND(currency_form, kinds),
    FIELD_CODE(currency_form, true),
    FIELD_NAME(currency_form),
    {.name = "spendable", .type = F_BOOL, AT(currency_form, spendable), .dflt = true, .doc = "Whether members can spend it."},
    {.name = "daily_cap", .type = F_OBJECT, AT_IF(currency_form, cap, has_cap), .sub = &cap_shape, .doc = "None unless given."},
};
const struct shape currency_shape = {
    .name = "Currency", .size = sizeof(struct currency_form), SHAPE_FIELDS(fields), .doc = "What can be earned: points, XP."};

void currency_compile(struct compiling *c, const struct drafted *d) {
    const struct currency_form *form = d->form;
    struct currency *currency = currency_declared(c, d->definition->code, d->definition->pointer);
    MUST(currency);
    currency->name = form->name;
    currency->spendable = form->spendable;
    currency->has_cap = form->has_cap;
    if (!form->has_cap) return;
    struct str pointer = at_key(c, d->definition->pointer, "daily_cap");
    currency->cap.amount = form->cap.amount;
    currency->cap.plus_per_level = form->cap.plus_per_level;
    currency->cap.zone = zone_compile(c, form->cap.zone, at_key(c, pointer, "zone"));
    if (form->cap.ladder.n) currency->cap.ladder = ladder_declared(c, form->cap.ladder, at_key(c, pointer, "ladder"));
}
