#include "engine/explain.h"

#include "base/limits.h"
#include "engine/counters.h"
#include "engine/settling.h"

enum {
    WAITS_MAX = 64,              /* more than the periods and cooldowns of a rule can follow on each other */
    CLOCK_MS = 8 * 24 * 3600000, /* how far conditions are looked at ahead: each hour of a week, and what a change of clocks moves */
    LOOKS_MAX = 512,             /* at the conditions, in all, of a question */
    LOOK_STEPS_MAX = 5 * EXPR_STEPS_MAX, /* after so many steps in all there is no further look: who asks costs no more than some events */
};

struct explaining {
    struct settling w; /* as a settling of the event, thought of or given, would see it */
    const struct question *q;
    const struct rule *rule;
    struct expr_scope scope;
    struct explanation *out;
    int looks;
    uint32_t steps; /* of all looks */
};

static struct check *add(struct explaining *x, enum check_kind kind, bool passed) {
    struct check *c = LIST_PUSH(x->w.a, &x->out->checks);
    c->kind = kind;
    c->verdict = passed ? VERDICT_PASSED : VERDICT_FAILED;
    return c;
}

/* ---- expressions ---- */

static void need(struct explaining *x, struct check *c, struct str name) {
    for (size_t i = 0; i < c->needs.n; i++)
        if (str_eq(c->needs.items[i], name)) return;
    *LIST_PUSH(x->w.a, &c->needs) = name;
}

static bool is_of_data(struct str name) { return str_is(name, "event.data") || str_starts(name, "event.data."); }

static bool is_given(const struct explaining *x, struct str name) {
    if (is_of_data(name)) return x->q->data != NULL;
    if (str_is(name, "event.type")) return x->q->type.n || x->rule->n_on == 1;
    return true;
}

/* Notes what of an event the expression needs and nobody gave; true: something. */
static bool is_open(struct explaining *x, struct check *c, const struct expr *e) {
    if (!e) return false;
    size_t before = c->needs.n;
    for (size_t i = 0; i < expr_names_count(e); i++)
        if (!is_given(x, expr_name(e, i))) need(x, c, expr_name(e, i));
    if (expr_uses(e) & EXPR_USES_RAND) need(x, c, STR("event.id"));
    if (expr_uses(e) & EXPR_USES_COMPUTED && !x->q->data) need(x, c, STR("event.data"));
    return c->needs.n > before;
}

static void note_values(struct explaining *x, struct check *c, const struct expr *e) {
    c->has_values = true;
    for (size_t i = 0; i < expr_names_count(e); i++) {
        struct str name = expr_name(e, i);
        if (!is_given(x, name)) continue;
        struct seen_variable *v = LIST_PUSH(x->w.a, &c->values);
        v->name = name;
        size_t work = 0; /* each name once, for who reads it */
        v->there = x->scope.lookup(x->scope.ctx, name, x->w.a, &v->value, &work);
    }
}

static void stop(struct check *c, const struct place *place, const char *why) {
    c->verdict = VERDICT_FAILED;
    c->place = *place;
    c->stopped = why;
}

static void check_expr(struct explaining *x, enum check_kind kind, const struct expr *e, enum place_in in) {
    if (!e) return;
    struct check *c = add(x, kind, true);
    struct place place = {.in = in};
    struct expr_stop why = {.what = NULL};
    bool passed;
    note_values(x, c, e);
    if (is_open(x, c, e)) {
        c->verdict = VERDICT_OPEN;
    } else if (expr_test(e, &x->scope, x->w.a, &passed, &place.node, &why) != EXPR_OK) {
        place.node = why.place;
        stop(c, &place, why.what);
    } else if (!passed) {
        c->verdict = VERDICT_FAILED;
        c->place = place;
    }
}

static void check_count(struct explaining *x, uint8_t i) {
    const struct expr *e = x->rule->counts[i].by_expr;
    if (!e) return;
    struct check *c = add(x, CHECK_COUNT, true);
    struct place place = {.in = PLACE_COUNT, .index = i};
    struct json value;
    int64_t thousandths;
    struct expr_stop why = {.what = NULL};
    c->index = i;
    note_values(x, c, e);
    if (is_open(x, c, e)) {
        c->verdict = VERDICT_OPEN;
    } else if (expr_eval(e, &x->scope, x->w.a, &value, &why) != EXPR_OK) {
        place.node = why.place;
        stop(c, &place, why.what);
    } else if (!count_thousandths(&value, &thousandths)) {
        stop(c, &place, "the result is not a number that a metric can hold");
    }
}

/* ---- what each grant would come to ---- */

static bool raises(const struct factor *f) {
    return (f->has_multiply && decimal_millionths(f->multiply) > 1000000) || (f->has_add && f->add.digits > 0);
}
static bool lowers(const struct factor *f) {
    return (f->has_multiply && decimal_millionths(f->multiply) < 1000000) || (f->has_add && f->add.digits < 0);
}

/* The least or the most that a grant comes to, whatever the event is: a factor that hangs on it counts where it moves the amount that
 * way. */
static bool amount_at(struct explaining *x, struct check *c, const struct grant *g, bool most, int64_t *out) {
    struct grant known = *g;
    struct factor *factors = NEW_ARRAY(x->w.a, struct factor, g->n_factors);
    struct check ignored = {.kind = CHECK_AMOUNT};
    known.n_factors = 0;
    for (uint8_t i = 0; i < g->n_factors; i++) {
        struct factor f = g->factors[i];
        if (is_open(x, &ignored, f.when)) {
            if (!(most ? raises(&f) : lowers(&f))) continue;
            f.when = NULL;
        }
        ignored.needs.n = 0;
        factors[known.n_factors++] = f;
    }
    known.factors = factors;
    if (g->how == AMOUNT_RANDOM) {
        known.how = AMOUNT_FIXED;
        known.amount = most ? g->high : g->low;
    }
    struct amount amount;
    struct place place;
    if (!amount_compute(&x->w, &known, c->index, x->rule->code, &x->scope, &amount, &place)) {
        stop(c, &place, "the amount cannot be computed");
        return false;
    }
    *out = amount.result;
    return true;
}

/* Both take their steps from what there is now, as the one amount of an event would. */
static bool amounts_at(struct explaining *x, struct check *c, const struct grant *g) {
    uint32_t before = x->w.steps;
    if (!amount_at(x, c, g, false, &c->least)) return false;
    uint32_t of_least = x->w.steps;
    x->w.steps = before;
    bool both = amount_at(x, c, g, true, &c->most);
    if (x->w.steps < of_least) x->w.steps = of_least;
    return both;
}

static void check_amount(struct explaining *x, uint8_t i) {
    const struct grant *g = &x->rule->grants[i];
    struct check *c = add(x, CHECK_AMOUNT, true);
    bool bounded = true;
    c->index = i;
    if (g->how == AMOUNT_EXPR && is_open(x, c, g->expr)) bounded = false;
    if (g->how == AMOUNT_RANDOM && g->low != g->high) need(x, c, STR("event.id"));
    for (uint8_t f = 0; f < g->n_factors; f++) {
        const struct factor *factor = &g->factors[f];
        if (is_open(x, c, factor->when) && raises(factor) && lowers(factor)) bounded = false;
    }
    if (!bounded) {
        c->verdict = VERDICT_OPEN;
    } else if (amounts_at(x, c, g)) {
        c->has_bounds = true;
        c->verdict = c->least >= 1 ? VERDICT_PASSED : c->most < 1 ? VERDICT_FAILED : VERDICT_OPEN;
    }
}

/* ---- what time mends ---- */

static void limit_figures(const struct explaining *x, const struct rule_limit *l, int64_t t_ms, struct check *c) {
    const struct zone *zone = zone_at(x->w.p, x->w.s, &l->zone, t_ms);
    const struct counter *known = state_counter(x->w.s, COUNTER_LIMIT, x->rule->no, l->per);
    c->used = counter_value(x->w.s, COUNTER_LIMIT, x->rule->no, l->per, counter_period(known, l->per, zone, t_ms, &c->at));
    c->of = l->count;
    c->left = c->used < c->of ? c->of - c->used : 0;
}

static void cap_figures(const struct explaining *x, const struct currency *currency, int64_t t_ms, struct check *c) {
    const struct zone *zone = zone_at(x->w.p, x->w.s, &currency->cap.zone, t_ms);
    const struct counter *known = state_counter(x->w.s, COUNTER_CAP, currency->no, PERIOD_DAY);
    c->used = counter_value(x->w.s, COUNTER_CAP, currency->no, PERIOD_DAY, counter_period(known, PERIOD_DAY, zone, t_ms, &c->at));
    c->of = cap_amount(x->w.p, x->w.s, currency);
    c->left = c->used < c->of ? c->of - c->used : 0;
}

/* Until when dates, limits and the cooldown stand in the way of an event at t; t itself: they do not. */
static int64_t rule_waits(const struct explaining *x, int64_t t_ms) {
    const struct rule *r = x->rule;
    int64_t until = t_ms, cooldown;
    if (t_ms >= r->ends_at) return INT64_MAX;
    if (t_ms < r->starts_at) until = r->starts_at;
    for (uint8_t i = 0; i < r->n_limits; i++) {
        struct check c;
        limit_figures(x, &r->limits[i], t_ms, &c);
        if (!c.left && c.at > until) until = c.at;
    }
    if (cooldown_blocks(x->w.s, r, t_ms, &cooldown) && cooldown > until) until = cooldown;
    return until;
}

/* The same for the caps: one grant that could pay is enough. */
static int64_t caps_wait(const struct explaining *x, const struct check *amounts, int64_t t_ms) {
    int64_t first = INT64_MAX;
    for (uint8_t i = 0; i < x->rule->n_grants; i++) {
        const struct currency *currency = x->rule->grants[i].currency;
        struct check c;
        if (amounts[i].verdict == VERDICT_FAILED) continue;
        if (!currency->has_cap) return t_ms;
        cap_figures(x, currency, t_ms, &c);
        if (c.left) return t_ms;
        if (c.of && c.at < first) first = c.at;
    }
    return first;
}

/* Whether a condition can pass at another time though nothing happens: it asks for the time, or for what a period has. */
static bool hangs_on_time(const struct expr *e) {
    if (!e) return false;
    if (expr_uses(e) & EXPR_USES_PERIODS) return true;
    for (size_t i = 0; i < expr_names_count(e); i++)
        if (str_is(expr_name(e, i), "event.time")) return true;
    return false;
}

/* What passes for any event at the time of the question is not looked at again, where it does not hang on the time. */
static bool passes_at(struct explaining *x, const struct expr *e, struct arena *scratch) {
    struct check open = {.kind = CHECK_CONDITION};
    struct expr_stop why;
    uint16_t failing;
    bool passed;
    if (!e || is_open(x, &open, e)) return true;
    return expr_test(e, &x->scope, scratch, &passed, &failing, &why) == EXPR_OK && passed;
}

static bool may_look(const struct explaining *x) { return x->looks < LOOKS_MAX && x->steps < LOOK_STEPS_MAX; }

static bool conditions_pass_at(struct explaining *x, int64_t t_ms) {
    struct arena *scratch = arena_new();
    x->looks++;
    x->w.time_ms = t_ms;
    x->scope = scope_of(&x->w, x->rule->code);
    x->scope.steps = &x->steps;
    x->scope.steps_max = 0;
    bool pass = passes_at(x, x->rule->audience_when, scratch) && passes_at(x, x->rule->when, scratch);
    arena_free(&scratch);
    return pass;
}

/* From when on audience and condition let an event through, t itself or later, with everything but the time as it is: what they ask of the
 * clock changes with the hours of the member's zone; what they compare the time itself with is found between two hours. INT64_MAX: not
 * within CLOCK_MS, or not with as many looks as there may be. */
static int64_t conditions_wait(struct explaining *x, int64_t t_ms) {
    int64_t before = t_ms, at = t_ms;
    bool found = may_look(x) && conditions_pass_at(x, at);
    while (!found && at < t_ms + CLOCK_MS && may_look(x)) {
        before = at;
        at = period_end(x->scope.zone, PERIOD_HOUR, at);
        found = conditions_pass_at(x, at);
    }
    while (found && at - before > 1) {
        if (!may_look(x)) return INT64_MAX;
        int64_t middle = before + (at - before) / 2;
        if (conditions_pass_at(x, middle)) {
            at = middle;
        } else {
            before = middle;
        }
    }
    return found ? at : INT64_MAX;
}

static int64_t next_time(struct explaining *x, const struct check *amounts) {
    bool conditions = hangs_on_time(x->rule->audience_when) || hangs_on_time(x->rule->when);
    int64_t t_ms = x->w.time_ms;
    for (int i = 0; i < WAITS_MAX; i++) {
        int64_t until = rule_waits(x, t_ms), cap = caps_wait(x, amounts, t_ms);
        if (cap > until) until = cap;
        if (until == t_ms && conditions) until = conditions_wait(x, t_ms);
        if (until == INT64_MAX) return 0;
        if (until == t_ms) return t_ms;
        t_ms = until;
    }
    return 0;
}

/* ---- the whole ---- */

static bool is_on(const struct rule *r, struct str type) {
    for (uint8_t i = 0; i < r->n_on; i++)
        if (str_eq(r->on[i], type)) return true;
    return false;
}

static void check_rule(struct explaining *x) {
    const struct rule *r = x->rule;
    add(x, CHECK_TENANT, x->w.p->enabled);
    add(x, CHECK_MEMBER, x->w.s->status == MEMBER_ACTIVE);
    add(x, CHECK_ENABLED, r->enabled);
    add(x, CHECK_DATES, x->w.time_ms >= r->starts_at && x->w.time_ms < r->ends_at);
    if (x->q->type.n) add(x, CHECK_TYPE, is_on(r, x->q->type));
    if (r->n_audience_types) add(x, CHECK_TYPES, rule_means_type(r, x->w.s->type));
    check_expr(x, CHECK_AUDIENCE, r->audience_when, PLACE_AUDIENCE_WHEN);
    check_expr(x, CHECK_CONDITION, r->when, PLACE_WHEN);
    for (uint8_t i = 0; i < r->n_counts; i++) check_count(x, i);
    if (!r->n_grants) add(x, CHECK_GRANTS, false);
    for (uint8_t i = 0; i < r->n_limits; i++) {
        struct check *c = add(x, CHECK_LIMIT, true);
        c->index = i;
        limit_figures(x, &r->limits[i], x->w.time_ms, c);
        if (!c->left) c->verdict = VERDICT_FAILED;
    }
    if (!r->cooldown_ms) return;
    int64_t until = 0;
    bool blocked = cooldown_blocks(x->w.s, r, x->w.time_ms, &until);
    add(x, CHECK_COOLDOWN, !blocked)->at = blocked ? until : 0;
}

/* A rule pays when one of its grants does. What they come to are its last checks, one after the other. */
static enum verdict check_grants(struct explaining *x, struct check *amounts) {
    enum verdict best = VERDICT_FAILED;
    for (uint8_t i = 0; i < x->rule->n_grants; i++) {
        const struct currency *currency = x->rule->grants[i].currency;
        check_amount(x, i);
        amounts[i] = x->out->checks.items[x->out->checks.n - 1];
        enum verdict verdict = amounts[i].verdict;
        if (currency->has_cap) {
            struct check *c = add(x, CHECK_CAP, true);
            c->index = i;
            cap_figures(x, currency, x->w.time_ms, c);
            if (!c->left) c->verdict = verdict = VERDICT_FAILED;
        }
        if (verdict > best) best = verdict;
    }
    return best;
}

static bool is_condition(enum check_kind kind) { return kind == CHECK_AUDIENCE || kind == CHECK_CONDITION; }

static bool is_mended_by_time(const struct rule *r, const struct check *c) {
    if (is_condition(c->kind)) return !c->stopped && hangs_on_time(c->kind == CHECK_AUDIENCE ? r->audience_when : r->when);
    return c->kind == CHECK_DATES || c->kind == CHECK_LIMIT || c->kind == CHECK_COOLDOWN;
}

void explain_rule(const struct program *p, struct member_state *s, const struct question *q, const struct tenant_keys *keys,
                  struct arena *a, struct explanation *out) {
    struct event thought_of = {.type = q->type.n ? q->type : q->rule->on[0], .time_ms = q->time_ms, .data = q->data};
    struct settle_env env = {.now_ms = q->time_ms, .keys = keys};
    struct check amounts[GRANTS_PER_RULE_MAX];
    *out = (struct explanation){.asked = *q};
    leftovers_restore(p, a, s);
    struct explaining x = {.q = q, .rule = q->rule, .out = out};
    x.w = (struct settling){.p = p, .s = s, .event = &thought_of, .env = &env, .a = a, .time_ms = q->time_ms};
    x.scope = scope_of(&x.w, q->rule->code);
    check_rule(&x);
    size_t n = out->checks.n; /* up to here each of them must pass */
    enum verdict verdict = check_grants(&x, amounts);
    bool waiting_helps = false;
    for (uint8_t i = 0; i < q->rule->n_grants; i++) waiting_helps = waiting_helps || amounts[i].verdict != VERDICT_FAILED;
    for (size_t i = 0; i < n; i++) {
        const struct check *c = &out->checks.items[i];
        if (c->verdict < verdict) verdict = c->verdict;
        if (c->verdict != VERDICT_FAILED) continue;
        if (!is_mended_by_time(q->rule, c)) waiting_helps = false;
    }
    out->would_pay = verdict;
    out->next_at = waiting_helps ? next_time(&x, amounts) : 0;
}
