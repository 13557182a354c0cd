/* Checks across definitions.
 *
 * What could go round for ever (SEMANTICS 19): only ladders pay for what payments cause, and a ladder pays each of its levels once
 * ever per member. So every round of settling after the first pays at least one level of a ladder whose currency some ladder
 * pays, or is the last: settling comes to rest after as many rounds as these ladders have levels above the first, and one. There
 * is no configuration in this version that could go on; `rounds_worst` is that bound. A kind of definition that pays without
 * such an end has to be checked here.
 *
 * One event can cross any number of levels; an outcome that gets too large by that is refused when it happens. What the rules of
 * one event type cause every time is checked here. */
#include "engine/kinds.h"

#include "engine/outcome.h"
#include "engine/state.h"

/* ---- amounts (SEMANTICS 11) ---- */

#define COMPUTED_MILLIONTHS_MAX ((__int128)1000000000000 * 1000000 - 1) /* just below 10^12, with all 6 places */

/* The product when of the factors with conditions those apply whose bits are set. */
static struct product product_with(const struct grant *g, struct product base, unsigned chosen) {
    for (size_t i = 0; i < g->n_factors; i++) {
        const struct factor *f = &g->factors[i];
        if (f->when && !(chosen & 1u << i)) continue;
        if (f->has_multiply) product_multiply(&base, f->multiply);
        if (f->has_add) product_add(&base, f->add);
    }
    return base;
}

/* Whether every choice of the conditional factors fits: at most 2^FACTORS_MAX, by the very arithmetic of the engine. A computed
 * amount is bounded when it is run; of it only the 128 bits are checked. */
static bool products_fit(const struct grant *g, struct product base, bool computed) {
    unsigned optional = 0;
    for (size_t i = 0; i < g->n_factors; i++) optional |= g->factors[i].when ? 1u << i : 0;
    for (unsigned chosen = 0; chosen < 1u << g->n_factors; chosen++) {
        if (chosen & ~optional) continue;
        struct product p = product_with(g, base, chosen);
        int64_t floor;
        if (computed ? p.overflow : !product_floor(&p, &floor)) return false;
    }
    return true;
}

void check_amount(const struct compiling *c, const struct grant *g, struct str pointer) {
    bool fits;
    switch (g->how) {
    case AMOUNT_FIXED: fits = products_fit(g, product_of(g->amount), false); break;
    case AMOUNT_RANDOM: fits = products_fit(g, product_of(g->low), false) && products_fit(g, product_of(g->high), false); break;
    default:
        fits = products_fit(g, product_of_millionths(COMPUTED_MILLIONTHS_MAX), true) &&
               products_fit(g, product_of_millionths(-COMPUTED_MILLIONTHS_MAX), true);
    }
    if (!fits)
        (void)fault_add(c->faults, P_AMOUNT_TOO_LARGE, pointer, "with all its factors it could exceed %lld, or 128 bits of digits",
                        (long long)AMOUNT_MAX);
}

/* A cap is an amount at every level of its ladder (SEMANTICS 15). */
static void check_cap(const struct compiling *c, const struct currency *currency, struct str pointer) {
    const struct ladder *ladder = currency->has_cap ? currency->cap.ladder : NULL;
    if (!ladder || ladder->n_levels == 0) return;
    struct str plus = at_key(c, at_key(c, pointer, "daily_cap"), "plus_per_level");
    __int128 top = ladder->first_level + ladder->n_levels - 1;
    if (currency->cap.amount + (top - 1) * currency->cap.plus_per_level > AMOUNT_MAX)
        (void)fault_add(c->faults, P_AMOUNT_TOO_LARGE, plus, "at the highest level the cap would exceed %lld", (long long)AMOUNT_MAX);
    if (ladder->first_level == 0 && currency->cap.amount < currency->cap.plus_per_level)
        (void)fault_add(c->faults, P_DEFINITION, plus, "at level 0 the cap would be below 0: levels count from 1");
}

void check_caps(const struct compiling *c) {
    for (size_t i = 0; i < c->n_drafts; i++) {
        const struct drafted *d = &c->drafts[i];
        struct str pointer = d->definition->pointer;
        if (d->kind->code_kind != CODE_CURRENCY || !d->form || draft_misshapen(c, d, at_key(c, pointer, "daily_cap"))) continue;
        check_cap(c, currency_declared(c, d->definition->code, pointer), pointer);
    }
}

/* ---- the window (MECHANICS 1, "Watermark") ---- */

/* The default may be too wide too. */
void check_window(const struct compiling *c) {
    int64_t widest = c->in->widest_window_ms;
    if (widest == 0 || c->p->window_ms <= widest) return;
    struct str pointer = STR("/definitions");
    for (size_t i = 0; i < c->n_drafts; i++) {
        const struct drafted *d = &c->drafts[i];
        if (d->kind->code_kind != 0) continue; /* settings are the only kind without a number */
        pointer = at_key(c, d->definition->pointer, "late_window_s");
        if (draft_misshapen(c, d, pointer)) return;
    }
    (void)fault_add(c->faults, P_DEFINITION, pointer,
                    "event identities are kept for %lld days here, so the window may be at most %lld seconds",
                    (long long)((widest + EARLY_MS_MAX + MS_DAY) / MS_DAY), (long long)(widest / MS_SECOND));
}

/* ---- the state row (MECHANICS 1) ---- */

static size_t counter_worst(uint32_t periods) {
    size_t size = STATE_COUNTER_GROUP;
    for (unsigned kind = 0; kind < PERIOD__MAX; kind++)
        if (periods & 1u << kind) size += kind == PERIOD_EVER ? STATE_COUNTER_EVER : STATE_COUNTER_PERIOD;
    return size;
}

static size_t rule_worst(const struct rule *r) {
    uint32_t limits = 0;
    for (size_t i = 0; i < r->n_limits; i++) limits |= 1u << r->limits[i].per;
    return (limits ? counter_worst(limits) : 0) + (r->cooldown_ms ? counter_worst(1u << PERIOD_EVER) : 0);
}

static size_t hot_worst(const struct program *p) {
    const size_t of_day = counter_worst(1u << PERIOD_DAY);
    size_t size = STATE_HOT_HEAD;
    for (size_t i = 0; i < p->n_currencies; i++)
        size += STATE_WALLET + STATE_LIFETIME + of_day /* earned today */ + (p->currencies[i].has_cap ? of_day : 0);
    for (size_t i = 0; i < p->n_metrics; i++) size += counter_worst(p->metrics[i].periods);
    for (size_t i = 0; i < p->n_rules; i++) size += rule_worst(&p->rules[i]);
    return size;
}

/* Unless it cannot be read which periods a metric keeps. */
static bool sizes_are_known(const struct compiling *c) {
    for (size_t i = 0; i < c->n_drafts; i++) {
        const struct drafted *d = &c->drafts[i];
        if (d->kind->code_kind == CODE_METRIC && draft_misshapen(c, d, at_key(c, d->definition->pointer, "periods"))) return false;
    }
    return true;
}

static void check_state(const struct compiling *c) {
    struct program *p = c->p;
    if (!sizes_are_known(c)) return;
    p->hot_worst = hot_worst(p);
    p->cold_worst = STATE_COLD_HEAD + p->n_ladders * STATE_LADDER;
    if (p->hot_worst > HOT_BYTES_MAX)
        (void)fault_add(c->faults, P_STATE_TOO_LARGE, STR("/definitions"),
                        "currencies, metrics, limits and cooldowns need %zu bytes per member, of %d: fewer periods or definitions fit",
                        p->hot_worst, HOT_BYTES_MAX);
    if (p->cold_worst > COLD_BYTES_MAX)
        (void)fault_add(c->faults, P_STATE_TOO_LARGE, STR("/definitions"), "level ladders need %zu bytes per member, of %d", p->cold_worst,
                        COLD_BYTES_MAX);
}

/* ---- the outcome ---- */

/* What the parts take at most, by the layout at the head of engine/outcome_codec.c: a rule's grant that was capped; a denial with
 * next_at, place and cap; a counter with all periods. */
enum { OUTCOME_HEADER = 80, OUTCOME_GRANT = 92, OUTCOME_DENIAL = 43, OUTCOME_COUNTER = 43 };

static void check_outcomes(const struct compiling *c) {
    for (size_t i = 0; i < c->p->n_types; i++) {
        const struct type_rules *type = &c->p->types[i];
        size_t size = OUTCOME_HEADER;
        for (size_t k = 0; k < type->n; k++) {
            size_t grants = type->rules[k]->n_grants * (size_t)OUTCOME_GRANT;
            size += (grants > OUTCOME_DENIAL ? grants : OUTCOME_DENIAL) + type->rules[k]->n_counts * (size_t)OUTCOME_COUNTER;
        }
        if (size > OUTCOME_BYTES_MAX)
            (void)fault_add(c->faults, P_DEFINITION, STR("/definitions"),
                            "the rules on \"" STR_FMT "\" together cause more than an outcome holds", STR_ARG(type->type));
    }
}

/* ---- rounds ---- */

static bool pays(const struct grant *grants, size_t n, const struct currency *currency) {
    for (size_t i = 0; i < n; i++)
        if (grants[i].currency == currency) return true;
    return false;
}

static bool paid_by_ladders(const struct program *p, const struct currency *currency) {
    for (size_t i = 0; i < p->n_ladders; i++) {
        const struct ladder *l = &p->ladders[i];
        if (pays(l->grant_each, l->n_grant_each, currency)) return true;
        for (size_t k = 0; k < l->n_levels; k++)
            if (pays(l->levels[k].grants, l->levels[k].n_grants, currency)) return true;
    }
    return false;
}

void check_program(const struct compiling *c) {
    struct program *p = c->p;
    p->rounds_worst = 1;
    for (size_t i = 0; i < p->n_ladders; i++)
        if (paid_by_ladders(p, p->ladders[i].currency)) p->rounds_worst += p->ladders[i].n_levels - 1u;
    check_state(c);
    check_outcomes(c);
}
