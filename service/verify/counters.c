/* service/verify/counters.c: invariant 10: what is counted of a member is what recounting gives.
 *
 * Metrics are recounted period by period from `by` and the periods' starts in the outcomes, never by the rules. The use of caps and
 * limits, cooldowns and points earned are compared as sums over all their days: an outcome does not say on which day of the cap's
 * zone, of the limit's or of the tenant's a payment counted. Whether there was a cap, a limit or a cooldown says the configuration at
 * the outcome's version. "Paid up to" of a ladder is the highest level that an outcome reached. Lifetimes and points earned are
 * recounted from the entries, which are kept for ever; all else only where the member's first outcome is still there. */
#include <stdlib.h>

#include "service/verify/verifying.h"

/* ---- the tally ---- */

enum { MERGE_AT_LEAST = 4096 };

static int by_key(const void *x, const void *y) {
    const struct counter *a = x, *b = y;
    int order = counter_cmp(a, b);
    if (order != 0) return order;
    return a->start < b->start ? -1 : a->start > b->start;
}

void tally_merge(struct tally *t) {
    size_t kept = 0;
    if (t->items.n > 0) qsort(t->items.items, t->items.n, sizeof *t->items.items, by_key);
    for (size_t i = 0; i < t->items.n; i++) {
        struct counter c = t->items.items[i], *last = kept > 0 ? &t->items.items[kept - 1] : NULL;
        if (last == NULL || by_key(last, &c) != 0) {
            t->items.items[kept++] = c;
        } else if (c.what == COUNTER_COOLDOWN) {
            last->value = c.value > last->value ? c.value : last->value;
        } else {
            last->value = sum_capped(last->value, c.value);
        }
    }
    t->items.n = kept;
    t->merge_at = kept * 2 > MERGE_AT_LEAST ? kept * 2 : MERGE_AT_LEAST;
}

void tally_add(struct tally *t, enum counter_kind what, uint16_t no, enum period_kind kind, int64_t start, int64_t value) {
    if (t->merge_at == 0) t->merge_at = MERGE_AT_LEAST;
    if (t->items.n >= t->merge_at) tally_merge(t);
    *LIST_PUSH(t->a, &t->items) =
        (struct counter){.what = what, .no = no, .kind = kind, .start = what == COUNTER_METRIC ? start : 0, .value = value};
}

/* ---- what is stored ---- */

struct counters_walk {
    struct verifying *v;
    struct tenant_view *t;
    const struct member_view *m;
    struct recount *recount;
    struct arena *a;
    struct tally stored;
    bool read; /* all of it could be */
};

static struct str period_text(struct counters_walk *w, enum period_kind kind, int64_t start) {
    if (kind == PERIOD_EVER) return STR("ever");
    if (start == 0) return str_printf(w->a, "all periods of a %s", period_name(kind));
    bool sane = start >= TIME_MS_MIN && start <= TIME_MS_MAX;
    struct str time = sane ? time_text(w->a, start) : str_printf(w->a, "%lld", (long long)start);
    return str_printf(w->a, "%s from " STR_FMT, period_name(kind), STR_ARG(time));
}

static enum code_kind code_kind_of(enum counter_kind what) {
    switch (what) {
    case COUNTER_METRIC: return CODE_METRIC;
    case COUNTER_LIMIT:
    case COUNTER_COOLDOWN: return CODE_RULE;
    case COUNTER_CAP:
    case COUNTER_EARNED:
    case COUNTER__MAX: break;
    }
    return CODE_CURRENCY;
}

static void store(struct counters_walk *w, const struct counter *items, size_t n) {
    for (size_t i = 0; i < n; i++) {
        note_number(w->t, code_kind_of(items[i].what), items[i].no);
        tally_add(&w->stored, items[i].what, items[i].no, items[i].kind, items[i].start, items[i].value);
    }
}

static void store_closed(struct counters_walk *w) {
    for (size_t i = 0; i < w->m->n_closed; i++) {
        const struct closed_text *text = &w->m->closed[i];
        struct closed_period period = {.kind = (enum period_kind)text->kind, .start = text->start};
        if (text->kind < PERIOD__MAX && closed_decode(w->a, text->counters, &period)) {
            store(w, period.counters.items, period.counters.n);
            continue;
        }
        w->read = false;
        violation(w->v, 10, w->t->row->code,
                  str_printf(w->a, STR_FMT " member_period kind %u start %lld", STR_ARG(member_text(w->a, w->m)), text->kind,
                             (long long)text->start),
                  "the closed period is damaged: it is none of our encodings");
    }
}

/* ---- comparing ---- */

/* Whether both sides say something of it. */
static bool is_comparable(const struct counters_walk *w, enum counter_kind what) {
    const struct recount *r = w->recount;
    switch (what) {
    case COUNTER_EARNED: return true;
    case COUNTER_METRIC: return r->whole;
    case COUNTER_CAP:
    case COUNTER_LIMIT:
    case COUNTER_COOLDOWN: return r->whole && r->usable;
    case COUNTER__MAX: break;
    }
    return false;
}

/* What is missing counts as 0. */
static void compare(struct counters_walk *w, const struct counter *key, int64_t stored, int64_t expected) {
    if (!is_comparable(w, key->what)) return;
    w->v->out->counters++;
    if (stored == expected) return;
    struct str code = code_text(w->a, w->t, code_kind_of(key->what), key->no), period = period_text(w, key->kind, key->start);
    struct str where = str_printf(w->a, STR_FMT " %s " STR_FMT " " STR_FMT, STR_ARG(member_text(w->a, w->m)), counter_kind_name(key->what),
                                  STR_ARG(code), STR_ARG(period));
    violation(w->v, 10, w->t->row->code, where, "is %lld, recounting gives %lld%s", (long long)stored, (long long)expected,
              key->what == COUNTER_METRIC ? " (thousandths)" : "");
}

static void compare_tallies(struct counters_walk *w) {
    const struct tally *stored = &w->stored, *expected = &w->recount->tally;
    size_t i = 0, k = 0;
    while (i < stored->items.n || k < expected->items.n) {
        const struct counter *s = &stored->items.items[i], *e = &expected->items.items[k];
        int order = i == stored->items.n ? 1 : k == expected->items.n ? -1 : by_key(s, e);
        compare(w, order <= 0 ? s : e, order <= 0 ? s->value : 0, order >= 0 ? e->value : 0);
        i += order <= 0;
        k += order >= 0;
    }
}

static __int128 sum_of(const struct currency_sum *items, size_t n, uint16_t currency) {
    for (size_t i = 0; i < n; i++) {
        if (items[i].currency == currency) return items[i].sum;
    }
    return 0;
}

static void compare_lifetime(struct counters_walk *w, uint16_t currency, int64_t earned, int64_t spent) {
    const struct recount *r = w->recount;
    int64_t earned_due = narrow(sum_of(r->earned.items, r->earned.n, currency)),
            spent_due = narrow(sum_of(r->spent.items, r->spent.n, currency));
    w->v->out->counters++;
    if (earned == earned_due && spent == spent_due) return;
    struct str code = code_text(w->a, w->t, CODE_CURRENCY, currency);
    violation(w->v, 10, w->t->row->code, str_printf(w->a, STR_FMT " lifetime " STR_FMT, STR_ARG(member_text(w->a, w->m)), STR_ARG(code)),
              "is %lld earned and %lld spent, the entries give %lld and %lld", (long long)earned, (long long)spent, (long long)earned_due,
              (long long)spent_due);
}

static bool has_lifetime(const struct member_state *s, uint16_t currency) {
    for (size_t i = 0; i < s->lifetimes.n; i++) {
        if (s->lifetimes.items[i].currency == currency) return true;
    }
    return false;
}

static void compare_lifetimes(struct counters_walk *w) {
    const struct member_state *s = &w->m->state;
    const struct recount *r = w->recount;
    for (size_t i = 0; i < s->lifetimes.n; i++) {
        compare_lifetime(w, s->lifetimes.items[i].currency, s->lifetimes.items[i].earned, s->lifetimes.items[i].spent);
    }
    for (size_t i = 0; i < r->earned.n; i++) {
        if (!has_lifetime(s, r->earned.items[i].currency)) compare_lifetime(w, r->earned.items[i].currency, 0, 0);
    }
    for (size_t i = 0; i < r->spent.n; i++) {
        if (!has_lifetime(s, r->spent.items[i].currency)) compare_lifetime(w, r->spent.items[i].currency, 0, 0);
    }
}

static struct str level_text(struct arena *a, const struct ladder_paid *l) {
    return l == NULL ? STR("nothing") : str_printf(a, "level %lld", (long long)l->level);
}

static void compare_ladder(struct counters_walk *w, uint16_t ladder, const struct ladder_paid *stored, const struct ladder_paid *due) {
    w->v->out->counters++;
    if (stored != NULL && due != NULL && stored->level == due->level) return;
    struct str code = code_text(w->a, w->t, CODE_LADDER, ladder);
    violation(w->v, 10, w->t->row->code, str_printf(w->a, STR_FMT " ladder " STR_FMT, STR_ARG(member_text(w->a, w->m)), STR_ARG(code)),
              "is paid up to " STR_FMT ", the outcomes reach " STR_FMT, STR_ARG(level_text(w->a, stored)), STR_ARG(level_text(w->a, due)));
}

static void compare_ladders(struct counters_walk *w) {
    const struct member_state *s = &w->m->state;
    const struct recount *r = w->recount;
    for (size_t i = 0; i < s->ladders.n; i++) {
        const struct ladder_paid *due = NULL;
        for (size_t k = 0; k < r->ladders.n; k++) {
            if (r->ladders.items[k].ladder == s->ladders.items[i].ladder) due = &r->ladders.items[k];
        }
        compare_ladder(w, s->ladders.items[i].ladder, &s->ladders.items[i], due);
    }
    for (size_t i = 0; i < r->ladders.n; i++) {
        if (state_ladder_find(s, r->ladders.items[i].ladder) == NULL)
            compare_ladder(w, r->ladders.items[i].ladder, NULL, &r->ladders.items[i]);
    }
}

void verify_counters(struct verifying *v, struct tenant_view *t, const struct member_view *m, struct recount *r, struct arena *a) {
    struct counters_walk w = {.v = v, .t = t, .m = m, .recount = r, .a = a, .stored = {.a = a}, .read = true};
    store(&w, m->state.counters.items, m->state.counters.n);
    store_closed(&w);
    if (w.read) {
        tally_merge(&w.stored);
        tally_merge(&r->tally);
        compare_tallies(&w);
    }
    compare_lifetimes(&w);
    if (r->whole) compare_ladders(&w);
}
