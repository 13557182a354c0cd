#include "engine/settle.h"

#include "engine/counters.h"
#include "engine/settling.h"

/* --- what the callers of the engine ask too --- */

static const struct zone *tenant_zone(const struct program *p, int64_t t_ms) {
    return p->zone_before && t_ms < p->zone_from_ms ? p->zone_before : p->zone;
}

static bool has_next_zone(const struct member_state *s, int64_t t_ms) { return s->zone_from_ms && t_ms >= s->zone_from_ms; }

const struct zone *zone_at(const struct program *p, const struct member_state *s, const struct zone_ref *ref, int64_t t_ms) {
    if (ref->of == ZONE_NAMED) return ref->zone;
    const struct zone *of_member = NULL;
    if (ref->of == ZONE_MEMBER) of_member = has_next_zone(s, t_ms) ? s->next_zone : s->zone;
    return of_member ? of_member : tenant_zone(p, t_ms);
}

uint16_t zone_no_at(const struct program *p, const struct member_state *s, int64_t t_ms) {
    uint16_t of_member = has_next_zone(s, t_ms) ? s->next_zone_no : s->zone_no;
    if (of_member) return of_member;
    return p->zone_before && t_ms < p->zone_from_ms ? p->zone_before_no : p->zone_no;
}

int64_t cap_amount(const struct program *p, const struct member_state *s, const struct currency *c) {
    (void)p;
    if (!c->cap.ladder) return c->cap.amount;
    __int128 amount = c->cap.amount + (__int128)c->cap.plus_per_level * (ladder_level(c->cap.ladder, s) - 1);
    if (amount < 0) return 0;
    return amount < BALANCE_MAX ? (int64_t)amount : BALANCE_MAX;
}

/* --- one change --- */

/* The lifetimes are copied: what is judged by level sees them as they stood (SEMANTICS 10, 15). */
static struct settling begin(const struct program *p, struct member_state *s, const struct settle_env *env, struct arena *a,
                             struct outcome *out) {
    leftovers_restore(p, a, s);
    struct settling w = {.p = p, .s = s, .env = env, .a = a, .out = out, .before = *s};
    w.before.lifetimes.items = arena_copy(a, s->lifetimes.items, s->lifetimes.n * sizeof *s->lifetimes.items);
    s->version++;
    return w;
}

static void begin_outcome(struct settling *w, enum change_kind change, int64_t time_ms) {
    static const struct zone_ref of_member = {.of = ZONE_MEMBER};
    w->time_ms = time_ms;
    *w->out = (struct outcome){
        .format = OUTCOME_FORMAT,
        .change = change,
        .config_version = w->p->version,
        .event_time = time_ms,
        .settled_at = w->env->now_ms,
        .at = w->env->at,
        .member_version = w->s->version,
        .zone_no = zone_no_at(w->p, w->s, time_ms),
        .day_start = period_start(zone_at(w->p, w->s, &of_member, time_ms), PERIOD_DAY, time_ms),
    };
}

/* A configuration is checked to fit, so what can be too much is what former ones left: counters give way, wallets stay. */
static enum problem end(struct settling *w, struct faults *faults) {
    struct member_state *s = w->s;
    if (state_hot_size(s) > HOT_BYTES_MAX) {
        if (s->has_leftovers && !closed_find(s, PERIOD_EVER, 0))
            return fault_say(faults, P_STATE_TOO_LARGE, "what earlier configurations left of this member was not loaded");
        leftovers_move(w->p, w->a, s);
    }
    if (outcome_size(w->out) > OUTCOME_BYTES_MAX)
        return fault_say(faults, P_STATE_TOO_LARGE, "too many levels are crossed at once: the outcome would take %zu bytes; %d are kept",
                         outcome_size(w->out), (int)OUTCOME_BYTES_MAX);
    if (state_hot_size(s) <= HOT_BYTES_MAX && state_cold_size(s) <= COLD_BYTES_MAX) return P_OK;
    return fault_say(faults, P_STATE_TOO_LARGE, "the state of this member would take %zu and %zu bytes; %d and %d are kept",
                     state_hot_size(s), state_cold_size(s), HOT_BYTES_MAX, COLD_BYTES_MAX);
}

enum problem settle_event(const struct program *p, struct member_state *s, const struct event *e, const struct settle_env *env,
                          struct arena *a, struct outcome *out, struct faults *faults) {
    struct settling w = begin(p, s, env, a, out);
    w.event = e;
    begin_outcome(&w, CHANGE_EVENT, e->time_ms);
    settle_rules(&w);
    settle_levels(&w);
    return end(&w, faults);
}

static enum problem insufficient(struct faults *faults, int64_t required, int64_t available) {
    faults->extra = str_printf(faults->arena, "\"required\":%lld,\"available\":%lld,\"shortfall\":%lld", (long long)required,
                               (long long)available, (long long)(required - available));
    return fault_say(faults, P_INSUFFICIENT, "%lld are required, %lld are available", (long long)required, (long long)available);
}

enum problem settle_adjustment(const struct program *p, struct member_state *s, const struct adjustment *adj, const struct settle_env *env,
                               struct arena *a, struct outcome *out, struct faults *faults) {
    MUST(adj->amount != 0 && adj->amount >= -AMOUNT_MAX && adj->amount <= AMOUNT_MAX);
    struct settling w = begin(p, s, env, a, out);
    begin_outcome(&w, CHANGE_ADJUSTMENT, env->now_ms);
    uint16_t currency = adj->currency->no;
    int64_t available = state_wallet(a, s, currency, PART_AVAILABLE)->balance;
    if (adj->amount < 0 && available + adj->amount < 0) return insufficient(faults, -adj->amount, available);
    if (adj->amount > 0 && !ledger_has_room(&w, currency, adj->amount))
        return fault_say(faults, P_NUMBER, "the balance or what was ever earned would exceed %lld", (long long)BALANCE_MAX);
    struct grant_result g = {
        .cause = CAUSE_ADJUSTMENT,
        .currency = currency,
        .kind = KIND_ADJUSTMENT,
        .contra = ACCOUNT_ADJUSTMENT,
        .part = PART_AVAILABLE,
        .base = decimal_int(adj->amount),
        .uncapped = adj->amount,
        .amount = adj->amount,
    };
    ledger_transfer(&w, &g);
    settle_levels(&w);
    return end(&w, faults);
}

enum problem settle_note(const struct program *p, struct member_state *s, const struct settle_env *env, struct arena *a,
                         struct outcome *out, struct faults *faults) {
    struct settling w = begin(p, s, env, a, out);
    begin_outcome(&w, CHANGE_MEMBER, env->now_ms);
    return end(&w, faults);
}
