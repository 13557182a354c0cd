#include "engine/counters.h"
#include "engine/settling.h"

#include <math.h>

struct candidate {
    const struct rule *rule;
    enum reason reason; /* 0: it passed; else why not, and where */
    struct place place;
    bool faulty; /* an amount could not be computed */
    struct place fault;
    struct amount amounts[GRANTS_PER_RULE_MAX];
    int64_t by[COUNTS_PER_RULE_MAX]; /* thousandths */
};

static bool deny_at(struct candidate *c, enum reason reason, enum place_in in, uint8_t index, uint16_t node) {
    c->reason = reason;
    c->place = (struct place){.in = in, .index = index, .node = node};
    return false;
}

/* --- judging: against the state before the event --- */

static bool is_active(const struct settling *w, struct candidate *c) {
    if (!w->p->enabled) {
        c->reason = REASON_INACTIVE;
        return false;
    }
    if (w->s->status == MEMBER_SUSPENDED) {
        c->reason = REASON_SUSPENDED;
        return false;
    }
    if (!c->rule->enabled) return deny_at(c, REASON_INACTIVE, PLACE_ENABLED, 0, 0);
    if (w->time_ms < c->rule->starts_at || w->time_ms >= c->rule->ends_at) return deny_at(c, REASON_INACTIVE, PLACE_DATES, 0, 0);
    return true;
}

static bool holds(struct settling *w, struct candidate *c, const struct expr *e, const struct expr_scope *scope, enum reason reason,
                  enum place_in in) {
    bool passed;
    uint16_t failing;
    struct expr_stop stop;
    if (!e) return true;
    if (expr_test(e, scope, w->a, &passed, &failing, &stop) != EXPR_OK) return deny_at(c, REASON_EXPRESSION, in, 0, stop.place);
    return passed || deny_at(c, reason, in, 0, failing);
}

bool rule_means_type(const struct rule *r, struct str member_type) {
    bool found = !r->n_audience_types;
    for (uint8_t i = 0; i < r->n_audience_types; i++)
        if (str_eq(r->audience_types[i], member_type)) found = true;
    return found;
}

static bool is_of_type(struct settling *w, struct candidate *c) {
    return rule_means_type(c->rule, w->s->type) || deny_at(c, REASON_AUDIENCE, PLACE_AUDIENCE_TYPES, 0, 0);
}

/* What needs only the event and the row comes first, as in settle_needs: a reason never depends on what was loaded (SEMANTICS 9). */
static bool conditions_hold(struct settling *w, struct candidate *c, const struct expr_scope *scope) {
    const struct expr *audience = c->rule->audience_when, *when = c->rule->when;
    for (int early = 1; early >= 0; early--) {
        if (expr_is_early(audience) == early && !holds(w, c, audience, scope, REASON_AUDIENCE, PLACE_AUDIENCE_WHEN)) return false;
        if (expr_is_early(when) == early && !holds(w, c, when, scope, REASON_CONDITION, PLACE_WHEN)) return false;
    }
    return true;
}

/* An expression's number becomes a metric's: half away from zero at 3 places (MECHANICS 2). 8.0125, whose double lies just below, is
 * 8.013: what was written with few places is rounded as it was written. A metric only grows: what is below 0 counts as nothing. */
static bool thousandths_of(double d, int64_t *out) {
    struct decimal exact;
    if (!(fabs(d) <= (double)(METRIC_MAX / 1000))) return false;
    if (d < 0)
        *out = 0;
    else if (decimal_from_double(d, &exact))
        *out = (decimal_millionths(exact) + 500) / 1000;
    else
        *out = (int64_t)round(d * 1000.0);
    return true;
}

bool count_thousandths(const struct json *value, int64_t *out) { return value->type == JSON_NUMBER && thousandths_of(value->number, out); }

static bool judge_count(struct settling *w, struct candidate *c, uint8_t i, const struct expr_scope *scope) {
    const struct count *count = &c->rule->counts[i];
    c->by[i] = count->by;
    if (!count->by_expr) return true;
    struct json value;
    struct expr_stop stop = {.place = 0};
    if (expr_eval(count->by_expr, scope, w->a, &value, &stop) == EXPR_OK && count_thousandths(&value, &c->by[i])) return true;
    return deny_at(c, REASON_EXPRESSION, PLACE_COUNT, i, stop.place);
}

static void judge(struct settling *w, struct candidate *c) {
    const struct rule *r = c->rule;
    if (!is_active(w, c)) return;
    struct expr_scope scope = scope_of(w, r->code);
    if (!is_of_type(w, c) || !conditions_hold(w, c, &scope)) return;
    for (uint8_t i = 0; i < r->n_counts; i++)
        if (!judge_count(w, c, i, &scope)) return;
    for (uint8_t i = 0; i < r->n_grants && !c->faulty; i++)
        c->faulty = !amount_compute(w, &r->grants[i], i, r->code, &scope, &c->amounts[i], &c->fault);
}

/* --- counting: gathered per metric while rules are paid, applied once --- */

static struct counted *counted_of(struct settling *w, const struct metric *m) {
    for (size_t i = 0; i < w->out->counters.n; i++)
        if (w->out->counters.items[i].metric == m->no) return &w->out->counters.items[i];
    struct counted *row = LIST_PUSH(w->a, &w->out->counters);
    row->metric = m->no;
    const struct zone *zone = zone_at(w->p, w->s, &m->zone, w->time_ms);
    for (int kind = 0; kind < PERIOD__MAX; kind++) {
        if (!(m->periods & 1u << kind)) continue;
        row->periods[row->n_periods].kind = (enum period_kind)kind;
        const struct counter *known = state_counter(w->s, COUNTER_METRIC, m->no, (enum period_kind)kind);
        row->periods[row->n_periods++].start = counter_period(known, (enum period_kind)kind, zone, w->time_ms, NULL);
    }
    return row;
}

static bool is_within_bounds(const struct settling *w, const struct counted *row) {
    for (uint8_t i = 0; i < row->n_periods; i++) {
        int64_t value = counter_value(w->s, COUNTER_METRIC, row->metric, row->periods[i].kind, row->periods[i].start) + row->by;
        if (value > METRIC_MAX) return false;
    }
    return true;
}

static void uncount(struct settling *w, const struct candidate *c, uint8_t n) {
    while (n-- > 0) counted_of(w, c->rule->counts[n].metric)->by -= c->by[n];
}

/* Gathers what the rule counts; false, with nothing gathered: a metric would leave its bounds. */
static bool count(struct settling *w, const struct candidate *c, uint8_t *at) {
    for (*at = 0; *at < c->rule->n_counts; ++*at) {
        struct counted *row = counted_of(w, c->rule->counts[*at].metric);
        row->by += c->by[*at];
        if (is_within_bounds(w, row)) continue;
        uncount(w, c, (uint8_t)(*at + 1));
        return false;
    }
    return true;
}

/* The value that is reported is that of `ever`, else of the longest period: kinds ascend from `ever`, then by length. */
static void apply_counts(struct settling *w) {
    size_t kept = 0;
    for (size_t i = 0; i < w->out->counters.n; i++) {
        struct counted row = w->out->counters.items[i];
        if (!row.by) continue;
        for (uint8_t k = 0; k < row.n_periods; k++)
            counter_add(w->a, w->s, COUNTER_METRIC, row.metric, row.periods[k].kind, row.periods[k].start, row.by);
        uint8_t longest = row.periods[0].kind == PERIOD_EVER ? 0 : (uint8_t)(row.n_periods - 1);
        row.value = counter_value(w->s, COUNTER_METRIC, row.metric, row.periods[longest].kind, row.periods[longest].start);
        w->out->counters.items[kept++] = row;
    }
    w->out->counters.n = kept;
}

/* --- paying: in the rules' order, seeing what went before --- */

static struct denial *deny(struct settling *w, const struct rule *r, enum reason reason) {
    struct denial *d = LIST_PUSH(w->a, &w->out->denied);
    d->rule = r ? r->no : 0;
    d->reason = reason;
    return d;
}

/* Of several limits that are used up, the one that holds longest says when. */
static bool limit_denies(struct settling *w, const struct rule *r) {
    int64_t end = 0;
    uint8_t which = 0;
    for (uint8_t i = 0; i < r->n_limits; i++) {
        const struct zone *zone = zone_at(w->p, w->s, &r->limits[i].zone, w->time_ms);
        const struct counter *known = state_counter(w->s, COUNTER_LIMIT, r->no, r->limits[i].per);
        int64_t next, start = counter_period(known, r->limits[i].per, zone, w->time_ms, &next);
        if (counter_value(w->s, COUNTER_LIMIT, r->no, r->limits[i].per, start) < r->limits[i].count) continue;
        if (next <= end) continue;
        end = next;
        which = i;
    }
    if (!end) return false;
    struct denial *d = deny(w, r, REASON_LIMIT);
    d->next_at = end == INT64_MAX ? 0 : end;
    d->place = (struct place){.in = PLACE_LIMIT, .index = which};
    return true;
}

/* SEMANTICS 13: closer than the cooldown to a paid event on either side. */
bool cooldown_blocks(const struct member_state *s, const struct rule *r, int64_t t_ms, int64_t *until) {
    if (!r->cooldown_ms) return false;
    int64_t blocking = INT64_MIN, from = t_ms - r->cooldown_ms, to = t_ms + r->cooldown_ms;
    const struct counter *last = state_counter(s, COUNTER_COOLDOWN, r->no, PERIOD_EVER);
    if (last && last->value > from && last->value < to) blocking = last->value;
    for (size_t i = 0; i < s->payments.n; i++) {
        const struct rule_payment *paid = &s->payments.items[i];
        if (paid->rule == r->no && paid->time_ms > from && paid->time_ms < to && paid->time_ms > blocking) blocking = paid->time_ms;
    }
    *until = blocking + r->cooldown_ms;
    return blocking != INT64_MIN;
}

static bool cooldown_denies(struct settling *w, const struct rule *r) {
    int64_t until;
    if (!cooldown_blocks(w->s, r, w->time_ms, &until)) return false;
    deny(w, r, REASON_COOLDOWN)->next_at = until;
    return true;
}

/* A late event of the same set asks for earlier payments than the row's: what the row forgets stays in the list. */
static void start_cooldown(struct settling *w, const struct rule *r) {
    if (!r->cooldown_ms) return;
    const struct counter *last = state_counter(w->s, COUNTER_COOLDOWN, r->no, PERIOD_EVER);
    if (last && last->value < w->time_ms) *LIST_PUSH(w->a, &w->s->payments) = (struct rule_payment){.rule = r->no, .time_ms = last->value};
    *LIST_PUSH(w->a, &w->s->payments) = (struct rule_payment){.rule = r->no, .time_ms = w->time_ms, .fresh = true};
    struct counter *c = counter_put(w->a, w->s, COUNTER_COOLDOWN, r->no, PERIOD_EVER);
    if (c->value < w->time_ms) c->value = w->time_ms;
    w->s->hot_dirty = true;
}

static void use_limits(struct settling *w, const struct rule *r) {
    for (uint8_t i = 0; i < r->n_limits; i++) {
        const struct zone *zone = zone_at(w->p, w->s, &r->limits[i].zone, w->time_ms);
        const struct counter *known = state_counter(w->s, COUNTER_LIMIT, r->no, r->limits[i].per);
        int64_t start = counter_period(known, r->limits[i].per, zone, w->time_ms, NULL);
        counter_add(w->a, w->s, COUNTER_LIMIT, r->no, r->limits[i].per, start, 1);
    }
}

/* The part of `wanted` that the currency's daily cap has room for; the figures are those after it. */
static int64_t capped(const struct settling *w, const struct currency *c, int64_t wanted, int64_t *day, struct cap_figures *figures) {
    const struct zone *zone = zone_at(w->p, w->s, &c->cap.zone, w->time_ms);
    *day = counter_period(state_counter(w->s, COUNTER_CAP, c->no, PERIOD_DAY), PERIOD_DAY, zone, w->time_ms, &figures->resets_at);
    figures->amount = cap_amount(w->p, &w->before, c);
    figures->used = counter_value(w->s, COUNTER_CAP, c->no, PERIOD_DAY, *day);
    int64_t room = figures->amount > figures->used ? figures->amount - figures->used : 0;
    int64_t paid = wanted < room ? wanted : room;
    figures->used += paid;
    return paid;
}

/* Pays one grant; otherwise says in *refusal why not. */
static bool pay_grant(struct settling *w, const struct candidate *c, uint8_t i, struct denial *refusal) {
    const struct grant *g = &c->rule->grants[i];
    const struct amount *amount = &c->amounts[i];
    *refusal = (struct denial){.rule = c->rule->no, .currency = g->currency->no};
    if (amount->result < 1) {
        refusal->reason = REASON_ZERO;
        return false;
    }
    int64_t paid = amount->result, day = 0;
    if (g->currency->has_cap) paid = capped(w, g->currency, paid, &day, &refusal->cap);
    if (paid < 1) {
        refusal->reason = REASON_CAPPED;
        refusal->next_at = refusal->cap.resets_at;
        return false;
    }
    if (!ledger_has_room(w, g->currency->no, paid)) {
        *refusal = (struct denial){.rule = c->rule->no, .currency = g->currency->no, .reason = REASON_LIMIT};
        return false;
    }
    struct grant_result made = {
        .cause = CAUSE_RULE,
        .cause_no = c->rule->no,
        .grant = i,
        .currency = g->currency->no,
        .kind = KIND_EARNED,
        .contra = ACCOUNT_ISSUANCE,
        .part = PART_AVAILABLE,
        .base = amount->base,
        .uncapped = amount->result,
        .amount = paid,
        .factors = amount->factors,
        .capped = paid < amount->result,
    };
    if (made.capped) made.cap = refusal->cap;
    ledger_transfer(w, &made);
    if (g->currency->has_cap) counter_add(w->a, w->s, COUNTER_CAP, g->currency->no, PERIOD_DAY, day, paid);
    return true;
}

/* The refused grants stand each for itself beside a paid one; where none was paid, the first speaks for the whole rule. */
static bool pay_grants(struct settling *w, const struct candidate *c) {
    struct denial refused[GRANTS_PER_RULE_MAX];
    uint8_t n = 0;
    bool paid = false;
    for (uint8_t i = 0; i < c->rule->n_grants; i++) {
        if (pay_grant(w, c, i, &refused[n]))
            paid = true;
        else
            n++;
    }
    if (!paid) {
        n = 1;
        refused[0].currency = 0;
    }
    for (uint8_t i = 0; i < n; i++) *deny(w, c->rule, refused[i].reason) = refused[i];
    return paid;
}

/* false: not paid. A rule without grants has nothing to pay and starts neither limit nor cooldown. */
static bool pay(struct settling *w, const struct candidate *c) {
    const struct rule *r = c->rule;
    if (!r->n_grants || limit_denies(w, r) || cooldown_denies(w, r)) return false;
    if (c->faulty) {
        deny(w, r, REASON_EXPRESSION)->place = c->fault;
        return false;
    }
    if (!pay_grants(w, c)) return false;
    use_limits(w, r);
    start_cooldown(w, r);
    return true;
}

static void settle_rule(struct settling *w, const struct candidate *c) {
    if (c->reason) {
        deny(w, c->rule, c->reason)->place = c->place;
        return;
    }
    uint8_t at;
    if (!count(w, c, &at)) {
        deny(w, c->rule, REASON_LIMIT)->place = (struct place){.in = PLACE_COUNT, .index = at};
        return;
    }
    bool paid = pay(w, c);
    if (c->rule->count_when_paid && !paid) uncount(w, c, c->rule->n_counts);
}

void settle_rules(struct settling *w) {
    const struct type_rules *type = program_type(w->p, w->event->type);
    w->out->type_no = type ? type->no : 0;
    size_t n = type ? type->n : 0;
    if (!n && !w->p->enabled)
        deny(w, NULL, REASON_INACTIVE);
    else if (!n && w->s->status == MEMBER_SUSPENDED)
        deny(w, NULL, REASON_SUSPENDED);
    struct candidate *candidates = NEW_ARRAY(w->a, struct candidate, n);
    for (size_t i = 0; i < n; i++) {
        candidates[i].rule = type->rules[i];
        judge(w, &candidates[i]);
    }
    for (size_t i = 0; i < n; i++) settle_rule(w, &candidates[i]);
    apply_counts(w);
}
