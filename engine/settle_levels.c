#include "engine/settling.h"

int64_t ladder_level(const struct ladder *l, const struct member_state *s) {
    return l->first_level + (int64_t)ladder_index(l, state_earned(s, l->currency->no));
}

/* A ladder's grant needs nothing but the definition. What comes to less than 1, or has no room, is not granted. */
static void pay_grant(struct settling *w, const struct ladder *l, int64_t level, const struct grant *g, uint8_t index) {
    struct amount amount;
    struct place place;
    if (!amount_compute(w, g, index, l->code, NULL, &amount, &place) || amount.result < 1) return;
    if (!ledger_has_room(w, g->currency->no, amount.result)) return;
    struct grant_result made = {
        .cause = CAUSE_LADDER,
        .cause_no = l->no,
        .level = level,
        .grant = index,
        .currency = g->currency->no,
        .kind = KIND_BONUS,
        .contra = ACCOUNT_ISSUANCE,
        .part = PART_AVAILABLE,
        .base = amount.base,
        .uncapped = amount.result,
        .amount = amount.result,
        .factors = amount.factors,
    };
    ledger_transfer(w, &made);
}

/* Pays the levels of one ladder that were crossed and are not yet paid, lowest first (SEMANTICS 19). What was reached before this change
 * counts as paid: a ladder that is new or was changed pays nothing to those who already qualify (SEMANTICS 37, `none`). */
static bool pay_levels(struct settling *w, const struct ladder *l) {
    const struct ladder_paid *known = state_ladder_find(w->s, l->no);
    int64_t paid = ladder_level(l, &w->before), now = ladder_level(l, w->s);
    if (known && known->level > paid) paid = known->level;
    if (now <= paid) return false;
    state_ladder(w->a, w->s, l->no)->level = now;
    w->s->cold_dirty = true;
    for (int64_t level = paid + 1; level <= now; level++) {
        const struct level *row = &l->levels[level - l->first_level];
        for (uint8_t i = 0; i < l->n_grant_each; i++) pay_grant(w, l, level, &l->grant_each[i], i);
        for (uint8_t i = 0; i < row->n_grants; i++) pay_grant(w, l, level, &row->grants[i], (uint8_t)(l->n_grant_each + i));
    }
    return true;
}

/* What a round pays can cross further levels. The bound is that of the configuration: it never stops anything before its end. */
void settle_levels(struct settling *w) {
    bool again = true;
    for (size_t round = 0; again && round < w->p->rounds_worst; round++) {
        again = false;
        for (size_t i = 0; i < w->p->n_ladders; i++)
            if (pay_levels(w, &w->p->ladders[i])) again = true;
    }
    for (size_t i = 0; i < w->p->n_ladders; i++) {
        const struct ladder *l = &w->p->ladders[i];
        int64_t from = ladder_level(l, &w->before), to = ladder_level(l, w->s);
        if (from != to) *LIST_PUSH(w->a, &w->out->levels) = (struct level_change){.ladder = l->no, .from = from, .to = to};
    }
}
