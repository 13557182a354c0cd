#include "engine/settling.h"

enum { MILLION = 1000000 };
#define EXPR_AMOUNT_MAX INT64_C(1000000000000) /* 10^12: in millionths it fits the outcome's base */

/* An expression's amount, rounded to 6 places (SEMANTICS 11). */
static bool run_amount(const struct settling *w, const struct grant *g, const struct expr_scope *scope, int64_t *millionths,
                       struct place *place) {
    struct json value;
    struct expr_stop stop;
    if (expr_eval(g->expr, scope, w->a, &value, &stop) != EXPR_OK) {
        place->node = stop.place;
        return false;
    }
    __int128 rounded;
    if (value.type != JSON_NUMBER || !decimal_round_double(value.number, &rounded)) return false;
    if (rounded < -EXPR_AMOUNT_MAX * MILLION || rounded > EXPR_AMOUNT_MAX * MILLION) return false;
    *millionths = (int64_t)rounded;
    return true;
}

static bool factor_applies(const struct settling *w, const struct factor *f, const struct expr_scope *scope, bool *applies,
                           struct place *place) {
    *applies = true;
    if (!f->when) return true;
    uint16_t failing;
    struct expr_stop stop;
    if (expr_test(f->when, scope, w->a, applies, &failing, &stop) == EXPR_OK) return true;
    place->in = PLACE_FACTOR;
    place->node = stop.place;
    return false;
}

bool amount_compute(const struct settling *w, const struct grant *g, uint8_t index, struct str code, const struct expr_scope *scope,
                    struct amount *out, struct place *place) {
    *out = (struct amount){0};
    *place = (struct place){.in = PLACE_AMOUNT, .index = index};
    struct product product;
    int64_t value = g->amount;
    if (g->how == AMOUNT_EXPR) {
        if (!run_amount(w, g, scope, &value, place)) return false;
        out->base = decimal_of(value);
        product = product_of_millionths(value);
    } else {
        if (g->how == AMOUNT_RANDOM)
            value = random_amount(&w->env->keys->random, w->event->source, w->event->id, code, g->random_n, g->low, g->high);
        out->base = decimal_int(value);
        product = product_of(value);
    }
    for (uint8_t i = 0; i < g->n_factors; i++) {
        const struct factor *f = &g->factors[i];
        bool applies;
        place->factor = i;
        if (!factor_applies(w, f, scope, &applies, place)) return false;
        if (!applies) continue;
        out->factors |= (uint8_t)(1u << i);
        if (f->has_multiply) product_multiply(&product, f->multiply);
        if (f->has_add) product_add(&product, f->add);
    }
    *place = (struct place){.in = PLACE_AMOUNT, .index = index};
    return product_floor(&product, &out->result);
}

/* Each factor applies only where it makes the amount larger. A mixed one gives no less than its larger part alone. */
int64_t amount_most(const struct grant *g) {
    if (g->how == AMOUNT_EXPR) return AMOUNT_MAX;
    int64_t value = g->how == AMOUNT_RANDOM ? g->high : g->amount;
    if (value < 0) value = 0;
    struct product product = product_of(value);
    for (uint8_t i = 0; i < g->n_factors; i++) {
        const struct factor *f = &g->factors[i];
        if (f->has_multiply && decimal_millionths(f->multiply) > MILLION) product_multiply(&product, f->multiply);
        if (f->has_add && f->add.digits > 0) product_add(&product, f->add);
    }
    int64_t most;
    return product_floor(&product, &most) ? most : AMOUNT_MAX;
}
