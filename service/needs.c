#include "service/needs.h"

static void put_closed(struct member_state *state, const struct closed_period *found) {
    for (size_t i = 0; i < state->closed.n; i++) {
        struct closed_period *c = &state->closed.items[i];
        if (c->kind == found->kind && c->start == found->start) *c = *found;
    }
}

static enum db_result load_periods(struct service *s, struct arena *a, struct member_ref ref, struct member_state *state,
                                   const struct needs *needs) {
    size_t n = needs->periods.n;
    struct closed_row *wanted = NEW_ARRAY(a, struct closed_row, n), *found;
    for (size_t i = 0; i < n; i++) {
        wanted[i].m = ref;
        wanted[i].period.kind = needs->periods.items[i].kind;
        wanted[i].period.start = needs->periods.items[i].start;
        *LIST_PUSH(a, &state->closed) = wanted[i].period; /* loaded, if empty: what is missing has no row */
    }
    if (n == 0) return DB_OK;
    enum db_result r = closed_load(s->db, a, wanted, n, &found, &n);
    for (size_t i = 0; i < n && r == DB_OK; i++) put_closed(state, &found[i].period);
    return r;
}

static enum db_result load_payments(struct service *s, struct arena *a, struct member_ref ref, struct member_state *state,
                                    const struct needs *needs) {
    size_t n = needs->payments.n;
    struct payment_range *ranges = NEW_ARRAY(a, struct payment_range, n);
    struct payment_row *found;
    for (size_t i = 0; i < n; i++) ranges[i] = (struct payment_range){ref, needs->payments.items[i]};
    if (n == 0) return DB_OK;
    enum db_result r = payments_load(s->db, a, ranges, n, &found, &n);
    for (size_t i = 0; i < n && r == DB_OK; i++) {
        *LIST_PUSH(a, &state->payments) = (struct rule_payment){.rule = found[i].rule, .time_ms = found[i].time_ms};
    }
    return r;
}

enum db_result profile_load(struct service *s, struct arena *a, struct member_ref ref, struct member_state *state,
                            struct profile_row *out) {
    struct profile_row *found;
    size_t n;
    *out = (struct profile_row){.m = ref};
    enum db_result r = profiles_load(s->db, a, &ref, 1, &found, &n);
    if (r != DB_OK || n == 0) return r;
    *out = *found;
    return profile_parse(a, found, state) ? DB_OK : DB_FATAL;
}

enum db_result needs_load(struct service *s, struct arena *a, struct member_ref ref, struct member_state *state,
                          const struct needs *needs) {
    struct profile_row profile;
    enum db_result r = load_periods(s, a, ref, state, needs);
    if (r == DB_OK) r = load_payments(s, a, ref, state, needs);
    return r == DB_OK && needs->profile ? profile_load(s, a, ref, state, &profile) : r;
}
