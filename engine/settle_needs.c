/* What has to be loaded before events are settled.
 *
 * A counter needs a closed period's row for every period that it may be in but the latest: there its value is moved, or a late event
 * counts. It does not matter in which order that happens, nor whether some of the rules deny in the end: too much may be asked
 * for, never too little. */
#include "engine/counters.h"
#include "engine/settling.h"

struct asking {
    const struct program *p;
    const struct member_state *s;
    struct arena *a;
    struct needs *out;
    bool several;              /* events */
    LIST(struct counter) tops; /* of several events: the latest period that each counter may be in so far */
    bool dry, found;           /* dry: only finds out whether anything would be asked for */
    uint32_t steps;            /* for this event: never more than its settling takes up to the same rule */
    const struct event *event;
    int64_t time_ms;
};

static void ask_period(struct asking *q, enum period_kind kind, int64_t start) {
    if (closed_find(q->s, kind, start)) return;
    q->found = true;
    if (q->dry) return;
    for (size_t i = 0; i < q->out->periods.n; i++)
        if (q->out->periods.items[i].kind == kind && q->out->periods.items[i].start == start) return;
    *LIST_PUSH(q->a, &q->out->periods) = (struct period_need){kind, start};
    if (kind == PERIOD_EVER) q->out->again = true;
}

/* Of the row, or of what definitions left where that is loaded. */
static const struct counter *current_of(struct asking *q, const struct counter *c) {
    const struct counter *current = state_counter(q->s, c->what, c->no, c->kind);
    if (current || !q->s->has_leftovers) return current;
    const struct closed_period *left = closed_find(q->s, PERIOD_EVER, 0);
    for (size_t i = 0; left && i < left->counters.n; i++)
        if (counter_cmp(&left->counters.items[i], c) == 0) return &left->counters.items[i];
    if (!left) ask_period(q, PERIOD_EVER, 0);
    return NULL;
}

static struct counter *top_of(struct asking *q, const struct counter *c) {
    for (size_t i = 0; i < q->tops.n; i++)
        if (counter_cmp(&q->tops.items[i], c) == 0) return &q->tops.items[i];
    return NULL;
}

/* The counter may be read or added to in the period that holds the event. */
static void touch(struct asking *q, enum counter_kind what, uint16_t no, enum period_kind kind, const struct zone *zone) {
    struct counter c = {.what = what, .no = no, .kind = kind};
    struct counter *top = q->several ? top_of(q, &c) : NULL;
    const struct counter *known = top ? top : current_of(q, &c);
    c.start = counter_period(known, kind, zone, q->time_ms, NULL);
    if (known && known->start != c.start) ask_period(q, kind, known->start < c.start ? known->start : c.start);
    if (q->dry || !q->several) return;
    if (!top) {
        top = LIST_PUSH(q->a, &q->tops);
        *top = known ? *known : c;
    }
    if (top->start < c.start) top->start = c.start;
}

static void touch_metric(struct asking *q, const struct metric *m, enum period_kind kind) {
    touch(q, COUNTER_METRIC, m->no, kind, zone_at(q->p, q->s, &m->zone, q->time_ms));
}

static void touch_earned(struct asking *q, uint16_t currency) {
    static const struct zone_ref of_tenant = {.of = ZONE_TENANT};
    touch(q, COUNTER_EARNED, currency, PERIOD_DAY, zone_at(q->p, q->s, &of_tenant, q->time_ms));
}

static void ask_expr(struct asking *q, const struct expr *e) {
    if (!e) return;
    uint32_t uses = expr_uses(e);
    if (uses & (EXPR_USES_PROFILE | EXPR_USES_COMPUTED)) {
        q->found = true;
        if (!q->dry) q->out->profile = true;
    }
    if (uses & EXPR_USES_COMPUTED) { /* any of them */
        for (size_t i = 0; i < q->p->n_metrics; i++)
            for (int kind = 0; kind < PERIOD__MAX; kind++)
                if (q->p->metrics[i].periods & 1u << kind) touch_metric(q, &q->p->metrics[i], (enum period_kind)kind);
        return;
    }
    if (!(uses & (EXPR_USES_METRIC | EXPR_USES_PERIODS))) return;
    for (size_t i = 0; i < expr_names_count(e); i++) {
        enum period_kind kind;
        const struct metric *m = scope_metric(q->p, expr_name(e, i), &kind);
        if (m) touch_metric(q, m, kind);
    }
}

/* Nothing earlier than the row's own last payment lies in the way of an event after it; nor is more needed where that one denies. */
static void ask_payments(struct asking *q, const struct rule *r) {
    struct counter wanted = {.what = COUNTER_COOLDOWN, .no = r->no, .kind = PERIOD_EVER};
    const struct counter *last = current_of(q, &wanted);
    if (!last || q->time_ms > last->value - r->cooldown_ms) return;
    q->found = true;
    if (q->dry) return;
    *LIST_PUSH(q->a, &q->out->payments) =
        (struct payment_need){.rule = r->no, .from_ms = q->time_ms - r->cooldown_ms + 1, .to_ms = q->time_ms + r->cooldown_ms - 1};
}

static void ask_rule(struct asking *q, const struct rule *r) {
    ask_expr(q, r->audience_when);
    ask_expr(q, r->when);
    for (uint8_t i = 0; i < r->n_counts; i++) {
        ask_expr(q, r->counts[i].by_expr);
        for (int kind = 0; kind < PERIOD__MAX; kind++)
            if (r->counts[i].metric->periods & 1u << kind) touch_metric(q, r->counts[i].metric, (enum period_kind)kind);
    }
    for (uint8_t i = 0; i < r->n_grants; i++) {
        const struct currency *c = r->grants[i].currency;
        ask_expr(q, r->grants[i].expr);
        for (uint8_t f = 0; f < r->grants[i].n_factors; f++) ask_expr(q, r->grants[i].factors[f].when);
        if (c->has_cap) touch(q, COUNTER_CAP, c->no, PERIOD_DAY, zone_at(q->p, q->s, &c->cap.zone, q->time_ms));
        touch_earned(q, c->no);
    }
    for (uint8_t i = 0; i < r->n_limits; i++)
        touch(q, COUNTER_LIMIT, r->no, r->limits[i].per, zone_at(q->p, q->s, &r->limits[i].zone, q->time_ms));
    if (r->cooldown_ms) ask_payments(q, r);
}

static bool holds_early(struct asking *q, const struct expr *e) {
    if (!expr_is_early(e)) return true;
    struct member_state seen = *q->s;
    struct settling w = {.p = q->p, .s = &seen, .event = q->event, .a = q->a, .time_ms = q->time_ms};
    struct expr_scope scope = scope_of(&w, STR(""));
    scope.steps = &q->steps;
    bool passed;
    uint16_t failing;
    struct expr_stop stop;
    return expr_test(e, &scope, q->a, &passed, &failing, &stop) == EXPR_OK && passed;
}

/* What needs only the event and the row is checked before anything is loaded (SEMANTICS 9). */
static bool may_act(struct asking *q, const struct rule *r) {
    return rule_means_type(r, q->s->type) && holds_early(q, r->audience_when) && holds_early(q, r->when);
}

static bool is_in_time(const struct rule *r, int64_t t_ms) { return r->enabled && t_ms >= r->starts_at && t_ms < r->ends_at; }

/* The condition is only worth running where its answer saves a load. */
static bool ask_candidate(struct asking *q, const struct rule *r) {
    if (!is_in_time(r, q->time_ms)) return false;
    q->dry = true;
    q->found = false;
    ask_rule(q, r);
    q->dry = false;
    if (q->found && !may_act(q, r)) return false;
    if (q->found || q->several) ask_rule(q, r);
    return true;
}

void rule_needs(const struct program *p, const struct member_state *s, const struct rule *r, int64_t time_ms, struct arena *a,
                struct needs *out) {
    *out = (struct needs){0};
    struct asking q = {.p = p, .s = s, .a = a, .out = out, .time_ms = time_ms};
    ask_rule(&q, r);
}

/* --- what levels pay: asked for only where it is not the ordinary case, and one can be reached --- */

static int64_t add_most(int64_t a, int64_t b) { return a > BALANCE_MAX - b ? BALANCE_MAX : a + b; }

static size_t currency_index(const struct program *p, const struct currency *c) { return (size_t)(c - p->currencies); }

static void most_of_event(const struct program *p, const struct event *e, int64_t *most) {
    const struct type_rules *type = program_type(p, e->type);
    for (size_t i = 0; type && i < type->n; i++) {
        const struct rule *r = type->rules[i];
        for (uint8_t g = 0; g < r->n_grants && is_in_time(r, e->time_ms); g++) {
            int64_t *of = &most[currency_index(p, r->grants[g].currency)];
            *of = add_most(*of, amount_most(&r->grants[g]));
        }
    }
}

/* Marks the currencies that one ladder may pay, given the most that its own currency may grow; true: something new. */
static bool mark_paid(const struct program *p, const struct member_state *s, const struct ladder *l, int64_t *most) {
    int64_t earned = state_earned(s, l->currency->no);
    size_t from = ladder_index(l, earned), to = ladder_index(l, add_most(earned, most[currency_index(p, l->currency)]));
    bool fresh = false;
    for (size_t level = from + 1; level <= to; level++) {
        const struct level *row = &l->levels[level];
        for (size_t i = 0; i < (size_t)l->n_grant_each + row->n_grants; i++) {
            const struct grant *g = i < l->n_grant_each ? &l->grant_each[i] : &row->grants[i - l->n_grant_each];
            int64_t *of = &most[currency_index(p, g->currency)];
            if (*of < BALANCE_MAX) fresh = true;
            *of = BALANCE_MAX;
        }
    }
    return fresh;
}

static bool all_earned_current(struct asking *q, const int64_t *times, size_t n) {
    q->dry = true;
    q->found = false;
    for (size_t t = 0; t < n && !q->found; t++) {
        q->time_ms = times[t];
        for (size_t i = 0; i < q->p->n_currencies; i++) touch_earned(q, q->p->currencies[i].no);
    }
    q->dry = false;
    return !q->found;
}

/* The bound of a currency that a ladder may pay is BALANCE_MAX afterwards: those are touched. */
static void ask_levels(struct asking *q, const struct event *const *events, size_t n, int64_t now_ms) {
    size_t n_times = n ? n : 1;
    int64_t *times = NEW_ARRAY(q->a, int64_t, n_times), *most = NEW_ARRAY(q->a, int64_t, q->p->n_currencies);
    times[0] = now_ms;
    for (size_t i = 0; i < n; i++) times[i] = events[i]->time_ms;
    if (!q->p->n_ladders || all_earned_current(q, times, n_times)) return;
    for (size_t i = 0; i < n; i++) most_of_event(q->p, events[i], most);
    for (size_t i = 0; !n && i < q->p->n_currencies; i++) most[i] = BALANCE_MAX; /* an adjustment may be of any currency and size */
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < q->p->n_ladders; i++)
            if (mark_paid(q->p, q->s, &q->p->ladders[i], most)) again = true;
    }
    for (size_t t = 0; t < n_times; t++) {
        q->time_ms = times[t];
        for (size_t i = 0; i < q->p->n_currencies; i++)
            if (most[i] == BALANCE_MAX) touch_earned(q, q->p->currencies[i].no);
    }
}

/* --- */

void settle_needs(const struct program *p, const struct member_state *s, const struct event *const *events, size_t n, int64_t now_ms,
                  struct arena *a, struct needs *out) {
    *out = (struct needs){0};
    struct asking q = {.p = p, .s = s, .a = a, .out = out, .several = n > 1};
    bool settles = n == 0;
    for (size_t i = 0; i < n && p->enabled && s->status != MEMBER_SUSPENDED; i++) {
        const struct type_rules *type = program_type(p, events[i]->type);
        q.event = events[i];
        q.time_ms = events[i]->time_ms;
        q.steps = 0;
        for (size_t r = 0; type && r < type->n; r++)
            if (ask_candidate(&q, type->rules[r])) settles = true;
    }
    if (!settles) return;
    ask_levels(&q, events, n, now_ms);
    /* What no definition uses is moved to (EVER, 0) when the row grows beyond its size. It grows by what it did not have: an event
     * has asked for that already, an adjustment may add a wallet. */
    if (n == 0 && s->has_leftovers) ask_period(&q, PERIOD_EVER, 0);
}
