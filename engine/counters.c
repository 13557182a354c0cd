#include "engine/counters.h"

#include <string.h>

#include "engine/settle.h"

struct counter *counter_put(struct arena *a, struct member_state *s, enum counter_kind what, uint16_t no, enum period_kind kind) {
    struct counter wanted = {.what = what, .no = no, .kind = kind};
    size_t at = 0;
    for (; at < s->counters.n; at++) {
        int order = counter_cmp(&s->counters.items[at], &wanted);
        if (order == 0) return &s->counters.items[at];
        if (order > 0) break;
    }
    (void)LIST_PUSH(a, &s->counters);
    memmove(&s->counters.items[at + 1], &s->counters.items[at], (s->counters.n - 1 - at) * sizeof *s->counters.items);
    s->counters.items[at] = wanted;
    s->hot_dirty = true;
    return &s->counters.items[at];
}

struct closed_period *closed_find(const struct member_state *s, enum period_kind kind, int64_t start) {
    for (size_t i = 0; i < s->closed.n; i++)
        if (s->closed.items[i].kind == kind && s->closed.items[i].start == start) return &s->closed.items[i];
    return NULL;
}

/* Adds a counter to a closed period's row, which is made where missing. */
static void closed_add(struct arena *a, struct member_state *s, enum period_kind kind, int64_t start, const struct counter *c) {
    struct closed_period *row = closed_find(s, kind, start);
    if (!row) {
        row = LIST_PUSH(a, &s->closed);
        row->kind = kind;
        row->start = start;
    }
    row->dirty = true;
    size_t at = 0;
    for (; at < row->counters.n; at++) {
        int order = counter_cmp(&row->counters.items[at], c);
        if (order == 0) {
            row->counters.items[at].value += c->value;
            return;
        }
        if (order > 0) break;
    }
    (void)LIST_PUSH(a, &row->counters);
    memmove(&row->counters.items[at + 1], &row->counters.items[at], (row->counters.n - 1 - at) * sizeof *row->counters.items);
    row->counters.items[at] = *c;
}

void counter_add(struct arena *a, struct member_state *s, enum counter_kind what, uint16_t no, enum period_kind kind, int64_t start,
                 int64_t by) {
    MUST(start >= 0 && start % MS_SECOND == 0 && (kind != PERIOD_EVER || start == 0));
    const struct counter *known = state_counter(s, what, no, kind);
    if (known && start < known->start) {
        struct counter late = {.what = what, .no = no, .kind = kind, .start = start, .value = by};
        closed_add(a, s, kind, start, &late);
        return;
    }
    struct counter *c = counter_put(a, s, what, no, kind);
    if (start > c->start) {
        if (c->value) closed_add(a, s, kind, c->start, c);
        c->start = start;
        c->value = 0;
    }
    c->value += by;
    s->hot_dirty = true;
}

/* The row keeps where its period began, not by which zone. A day that began less than 23 hours ago is not over in any zone, and weeks and
 * months that begin within 26 hours of each other are the same one by two zones. By one and the same zone neither can happen. */
#define DAY_MS_MIN     (23 * MS_HOUR)
#define ZONES_MS_APART (26 * MS_HOUR)

int64_t counter_period(const struct counter *known, enum period_kind kind, const struct zone *zone, int64_t t_ms, int64_t *end) {
    int64_t start, until;
    period_bounds(zone, kind, t_ms, &start, &until);
    bool other = known && known->start != start && known->start != 0;
    if (other && kind == PERIOD_DAY && t_ms >= known->start && t_ms < known->start + DAY_MS_MIN) {
        start = known->start;
        until = start + DAY_MS_MIN;
    } else if (other && (kind == PERIOD_WEEK || kind == PERIOD_MONTH) && known->start >= start - ZONES_MS_APART &&
               known->start <= start + ZONES_MS_APART) {
        start = known->start;
    }
    if (end) *end = until;
    return start;
}

int64_t counter_value(const struct member_state *s, enum counter_kind what, uint16_t no, enum period_kind kind, int64_t start) {
    const struct counter *c = state_counter(s, what, no, kind);
    if (c && c->start == start) return c->value;
    const struct closed_period *row = closed_find(s, kind, start);
    for (size_t i = 0; row && i < row->counters.n; i++) {
        c = &row->counters.items[i];
        if (c->what == what && c->no == no && c->kind == kind && c->start == start) return c->value;
    }
    return 0;
}

bool counter_is_live(const struct program *p, const struct counter *c) {
    switch (c->what) {
    case COUNTER_METRIC: {
        const struct metric *m = program_metric_no(p, c->no);
        return m && (m->periods & 1u << c->kind);
    }
    case COUNTER_CAP: {
        const struct currency *currency = program_currency_no(p, c->no);
        return currency && currency->has_cap;
    }
    case COUNTER_EARNED: return program_currency_no(p, c->no);
    case COUNTER_COOLDOWN: {
        const struct rule *rule = program_rule_no(p, c->no);
        return rule && rule->cooldown_ms;
    }
    case COUNTER_LIMIT: {
        const struct rule *rule = program_rule_no(p, c->no);
        for (size_t i = 0; rule && i < rule->n_limits; i++)
            if (rule->limits[i].per == c->kind) return true;
        return false;
    }
    case COUNTER__MAX: break;
    }
    return false;
}

/* A value comes back as it was; where the row has meanwhile begun anew, it counts in its own period. */
static void leftover_back(struct arena *a, struct member_state *s, const struct counter *c) {
    if (c->what != COUNTER_COOLDOWN) {
        counter_add(a, s, c->what, c->no, c->kind, c->start, c->value);
        return;
    }
    struct counter *last = counter_put(a, s, c->what, c->no, c->kind);
    if (last->value < c->value) last->value = c->value;
}

void leftovers_restore(const struct program *p, struct arena *a, struct member_state *s) {
    struct closed_period *row = closed_find(s, PERIOD_EVER, 0);
    if (!row) return;
    LIST(struct counter) back = {0};
    size_t kept = 0;
    for (size_t i = 0; i < row->counters.n; i++) {
        struct counter c = row->counters.items[i];
        if (counter_is_live(p, &c))
            *LIST_PUSH(a, &back) = c;
        else
            row->counters.items[kept++] = c;
    }
    if (!back.n) return;
    row->counters.n = kept;
    row->dirty = true;
    for (size_t i = 0; i < back.n; i++) leftover_back(a, s, &back.items[i]);
}

void leftovers_move(const struct program *p, struct arena *a, struct member_state *s) {
    size_t kept = 0;
    for (size_t i = 0; i < s->counters.n; i++) {
        struct counter c = s->counters.items[i];
        if (counter_is_live(p, &c)) {
            s->counters.items[kept++] = c;
            continue;
        }
        closed_add(a, s, PERIOD_EVER, 0, &c);
        s->has_leftovers = true;
        s->cold_dirty = true;
    }
    if (kept != s->counters.n) s->hot_dirty = true;
    s->counters.n = kept;
}
