#include "tests/unit/settling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/counters.h"

enum { TENANT = 7, MEMBER = 4711 };

static struct str json_quotes(struct arena *a, const char *text) {
    char *copy = str_z(a, str_of(text));
    for (char *c = copy; *c; c++)
        if (*c == '\'') *c = '"';
    return str_of(copy);
}

static const struct json *json_of(struct arena *a, const char *text) {
    if (!text) return NULL;
    struct json *v = NEW(a, struct json);
    struct faults faults = faults_new(a);
    if (json_parse(a, json_quotes(a, text), v, &faults) != P_OK) fail_msg("no JSON: %s", text);
    return v;
}

int64_t at(const char *time) {
    int64_t ms = 0;
    if (!time_parse(str_of(time), &ms)) fail_msg("no time: %s", time);
    return ms;
}

struct world *world_new(struct arena *a, const char *definitions) {
    struct world *w = NEW(a, struct world);
    struct key32 installation = {{1, 2, 3}};
    w->a = a;
    w->keys = tenant_keys_of(&installation, (tenant_id){TENANT});
    world_configure(w, definitions);
    return w;
}

/* Numbers are never given twice, also over configurations. */
static void give_numbers(struct world *w, const struct code_number *codes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint16_t next = 1;
        bool known = false;
        for (size_t k = 0; k < w->codes.n; k++) {
            const struct code_number *given = &w->codes.items[k];
            if (given->kind != codes[i].kind) continue;
            if (str_eq(given->code, codes[i].code)) known = true;
            next++;
        }
        if (!known) *LIST_PUSH(w->a, &w->codes) = (struct code_number){codes[i].kind, next, codes[i].code};
    }
}

static _Noreturn void fail_with(const struct faults *f) {
    for (size_t i = 0; i < f->list.n; i++)
        print_error(STR_FMT ": " STR_FMT "\n", STR_ARG(f->list.items[i].pointer), STR_ARG(f->list.items[i].detail));
    print_error(STR_FMT "\n", STR_ARG(f->detail));
    fail();
    abort();
}

void world_configure(struct world *w, const char *definitions) {
    struct faults faults = faults_new(w->a);
    struct definition *d;
    struct code_number *codes;
    struct program *p;
    size_t n, n_codes;
    const struct json *list = json_of(w->a, str_z(w->a, str_printf(w->a, "[%s]", definitions)));
    if (config_split(w->a, list, STR("/definitions"), &d, &n, &faults) != P_OK) fail_with(&faults);
    config_codes(w->a, d, n, &codes, &n_codes);
    give_numbers(w, codes, n_codes);
    if (w->zone_before.n) give_numbers(w, &(struct code_number){CODE_ZONE, 0, w->zone_before}, 1);
    struct compile_in in = {
        .tenant = {TENANT},
        .version = ++w->config_version,
        .definitions = d,
        .n_definitions = n,
        .codes = w->codes.items,
        .n_codes = w->codes.n,
        .zone_before = w->zone_before,
        .zone_from_ms = w->zone_from_ms,
    };
    if (program_compile(w->a, &in, &p, &faults) != P_OK) fail_with(&faults);
    w->p = p;
}

/* --- the tables --- */

static void load_row(struct world *w, struct member_state *s) {
    *s = (struct member_state){.tenant = {TENANT}, .member = {MEMBER}, .version = w->version};
    assert_true(state_decode(w->a, w->hot, w->cold, s));
    if (w->zone) s->zone = zone_find(str_of(w->zone));
    if (w->next_zone) s->next_zone = zone_find(str_of(w->next_zone));
}

static void load_period(struct world *w, struct member_state *s, enum period_kind kind, int64_t start) {
    for (size_t i = 0; i < w->periods.n; i++) {
        const struct stored_period *row = &w->periods.items[i];
        if (row->kind != kind || row->start != start || closed_find(s, kind, start)) continue;
        struct closed_period c = {.kind = kind, .start = start};
        assert_true(closed_decode(w->a, row->text, &c));
        *LIST_PUSH(w->a, &s->closed) = c;
    }
}

static void load_payments(struct world *w, struct member_state *s, uint16_t rule, int64_t from_ms, int64_t to_ms) {
    for (size_t i = 0; i < w->payments.n; i++) {
        const struct rule_payment *row = &w->payments.items[i];
        if ((rule && row->rule != rule) || row->time_ms < from_ms || row->time_ms > to_ms) continue;
        *LIST_PUSH(w->a, &s->payments) = (struct rule_payment){.rule = row->rule, .time_ms = row->time_ms};
    }
}

static void load_everything(struct world *w, struct member_state *s) {
    for (size_t i = 0; i < w->periods.n; i++) load_period(w, s, w->periods.items[i].kind, w->periods.items[i].start);
    s->payments.n = 0;
    load_payments(w, s, 0, INT64_MIN, INT64_MAX);
    s->attributes = json_of(w->a, w->attributes);
    s->groups = json_of(w->a, w->groups);
}

static void load_needs(struct world *w, struct member_state *s, const struct event *const *events, size_t n) {
    settle_needs(w->p, s, events, n, w->now_ms, w->a, &w->needs);
    bool again = w->needs.again;
    for (size_t i = 0; i < w->needs.periods.n; i++) load_period(w, s, w->needs.periods.items[i].kind, w->needs.periods.items[i].start);
    if (again) settle_needs(w->p, s, events, n, w->now_ms, w->a, &w->needs);
    for (size_t i = 0; i < w->needs.periods.n; i++) load_period(w, s, w->needs.periods.items[i].kind, w->needs.periods.items[i].start);
    for (size_t i = 0; i < w->needs.payments.n; i++) {
        const struct payment_need *need = &w->needs.payments.items[i];
        load_payments(w, s, need->rule, need->from_ms, need->to_ms);
    }
    if (w->needs.profile) {
        s->attributes = json_of(w->a, w->attributes);
        s->groups = json_of(w->a, w->groups);
    }
    if (w->load_all) load_everything(w, s);
}

static void store_period(struct world *w, const struct closed_period *c) {
    struct stored_period row = {c->kind, c->start, closed_encode(w->a, c)};
    for (size_t i = 0; i < w->periods.n; i++) {
        if (w->periods.items[i].kind != c->kind || w->periods.items[i].start != c->start) continue;
        w->periods.items[i] = row;
        return;
    }
    *LIST_PUSH(w->a, &w->periods) = row;
}

static void store_entry(struct world *w, const struct entry *e) {
    const struct entry *last = NULL;
    for (size_t i = 0; i < w->entries.n; i++)
        if (w->entries.items[i].currency == e->currency && w->entries.items[i].part == e->part) last = &w->entries.items[i];
    assert_int_equal(e->seq, last ? last->seq + 1 : 1);
    assert_int_equal(e->balance_after, (last ? last->balance_after : 0) + e->amount);
    assert_true(!last || e->created_at >= last->created_at);
    struct ledger_link link = {{TENANT},         {MEMBER}, e->currency, e->part,  e->seq,      e->amount,
                               e->balance_after, e->kind,  e->contra,   e->cause, e->transfer, e->created_at};
    struct hash16 hash = ledger_hash(&w->keys.ledger, last ? last->hash : (struct hash16){0}, &link);
    assert_memory_equal(hash.b, e->hash.b, sizeof hash.b);
    for (size_t i = 0; i < w->entries.n; i++) assert_memory_not_equal(w->entries.items[i].transfer.b, e->transfer.b, sizeof e->transfer.b);
    *LIST_PUSH(w->a, &w->entries) = *e;
}

static void check_wallets(const struct world *w, const struct member_state *s) {
    for (size_t i = 0; i < s->wallets.n; i++) {
        const struct wallet *wallet = &s->wallets.items[i];
        int64_t sum = 0;
        for (size_t k = 0; k < w->entries.n; k++)
            if (w->entries.items[k].currency == wallet->currency && w->entries.items[k].part == wallet->part)
                sum += w->entries.items[k].amount;
        assert_int_equal(wallet->balance, sum);
    }
}

/* Only what is marked dirty is written, as the service does it. */
static void store(struct world *w, const struct member_state *s) {
    struct str hot = state_encode_hot(w->a, s), cold = state_encode_cold(w->a, s);
    assert_int_equal(hot.n, state_hot_size(s));
    assert_int_equal(cold.n, state_cold_size(s));
    if (!s->hot_dirty && w->hot.n) assert_true(str_eq(hot, w->hot));
    if (!s->cold_dirty && w->cold.n) assert_true(str_eq(cold, w->cold));
    w->hot = hot;
    w->cold = cold;
    w->version = s->version;
    for (size_t i = 0; i < s->closed.n; i++)
        if (s->closed.items[i].dirty) store_period(w, &s->closed.items[i]);
    for (size_t i = 0; i < s->payments.n; i++)
        if (s->payments.items[i].fresh) *LIST_PUSH(w->a, &w->payments) = s->payments.items[i];
    check_wallets(w, s);
    struct member_state again;
    load_row(w, &again);
    assert_true(str_eq(state_encode_hot(w->a, &again), hot));
    assert_true(str_eq(state_encode_cold(w->a, &again), cold));
    load_everything(w, &again);
    w->s = again;
}

/* --- settling --- */

static struct settle_env env_of(const struct world *w, uint16_t i) {
    return (struct settle_env){
        .now_ms = w->now_ms, .keys = &w->keys, .at = {.day = 20000, .lane = 3, .n = w->sets, .i = i}, .seed = {9, 9, (uint8_t)w->sets}};
}

static const struct event *event_of(struct world *w, const struct told *t) {
    struct event *e = NEW(w->a, struct event);
    e->source = STR("dialer");
    e->id = str_printf(w->a, "c-%u", ++w->events);
    e->type = str_of(t->type);
    e->member = STR("agent-17");
    e->time_ms = at(t->time);
    e->time_sent = true;
    e->data = json_of(w->a, t->data);
    if (w->now_ms < e->time_ms) w->now_ms = e->time_ms;
    return e;
}

static void check_outcome(struct world *w, const struct outcome *o) {
    struct str text = outcome_encode(w->a, o);
    struct outcome again = {0};
    assert_true(text.n > 0);
    assert_true(outcome_decode(w->a, text, &again));
    assert_true(str_eq(outcome_encode(w->a, &again), text));
    assert_int_equal(o->entries.n, o->grants.n);
    for (size_t i = 0; i < o->entries.n; i++) {
        assert_int_equal(o->entries.items[i].amount, o->grants.items[i].amount);
        store_entry(w, &o->entries.items[i]);
    }
}

const struct outcome **world_set(struct world *w, const struct told *events, size_t n) {
    struct member_state s;
    struct faults faults = faults_new(w->a);
    const struct outcome **outcomes = NEW_ARRAY(w->a, const struct outcome *, n);
    const struct event **read = NEW_ARRAY(w->a, const struct event *, n);
    for (size_t i = 0; i < n; i++) read[i] = event_of(w, &events[i]);
    load_row(w, &s);
    load_needs(w, &s, read, n);
    w->sets++;
    for (size_t i = 0; i < n; i++) {
        struct settle_env env = env_of(w, (uint16_t)i);
        struct outcome *o = NEW(w->a, struct outcome);
        if (settle_event(w->p, &s, read[i], &env, w->a, o, &faults) != P_OK) fail_with(&faults);
        assert_int_equal(o->member_version, s.version);
        assert_int_equal(s.version, w->version + i + 1);
        check_outcome(w, o);
        outcomes[i] = o;
    }
    store(w, &s);
    return outcomes;
}

const struct outcome *world_event(struct world *w, const char *type, const char *time, const char *data) {
    struct told t = {type, time, data};
    return world_set(w, &t, 1)[0];
}

enum problem world_adjust(struct world *w, const char *currency, int64_t amount, const struct outcome **out, struct faults *faults) {
    struct member_state s;
    struct outcome *o = NEW(w->a, struct outcome);
    struct adjustment adj = {program_currency(w->p, str_of(currency)), amount};
    *faults = faults_new(w->a);
    load_row(w, &s);
    load_needs(w, &s, NULL, 0);
    w->sets++;
    struct settle_env env = env_of(w, 0);
    enum problem problem = settle_adjustment(w->p, &s, &adj, &env, w->a, o, faults);
    if (problem != P_OK) return problem;
    check_outcome(w, o);
    store(w, &s);
    *out = o;
    return P_OK;
}

void world_status(struct world *w, enum member_status status, const char *type) {
    struct member_state s;
    load_row(w, &s);
    s.status = status;
    s.type = str_of(type);
    w->hot = state_encode_hot(w->a, &s);
    w->cold = state_encode_cold(w->a, &s);
}

/* --- reading --- */

uint16_t number(const struct world *w, enum code_kind kind, const char *code) {
    for (size_t i = 0; i < w->codes.n; i++)
        if (w->codes.items[i].kind == kind && str_is(w->codes.items[i].code, code)) return w->codes.items[i].no;
    fail_msg("no number for %s", code);
    return 0;
}

int64_t balance(const struct world *w, const char *currency) {
    uint16_t no = number(w, CODE_CURRENCY, currency);
    for (size_t i = 0; i < w->s.wallets.n; i++)
        if (w->s.wallets.items[i].currency == no && w->s.wallets.items[i].part == PART_AVAILABLE) return w->s.wallets.items[i].balance;
    return 0;
}

int64_t metric(const struct world *w, const char *code, enum period_kind kind, const char *time) {
    const struct metric *m = program_metric_no(w->p, number(w, CODE_METRIC, code));
    assert_non_null(m);
    int64_t start = period_start(zone_at(w->p, &w->s, &m->zone, at(time)), kind, at(time));
    return counter_value(&w->s, COUNTER_METRIC, m->no, kind, start);
}

int64_t counter_at(const struct world *w, enum counter_kind what, enum code_kind of, const char *code, enum period_kind kind,
                   const char *start) {
    return counter_value(&w->s, what, number(w, of, code), kind, at(start));
}

static int period_order(const void *x, const void *y) {
    const struct stored_period *a = x, *b = y;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    return a->start < b->start ? -1 : a->start > b->start;
}

static int payment_order(const void *x, const void *y) {
    const struct rule_payment *a = x, *b = y;
    if (a->rule != b->rule) return a->rule < b->rule ? -1 : 1;
    return a->time_ms < b->time_ms ? -1 : a->time_ms > b->time_ms;
}

struct str state_bytes(const struct world *w) {
    struct buf b = buf_new(w->a, 1024 * 1024);
    buf_add(&b, w->hot);
    buf_add(&b, w->cold);
    if (w->periods.n) qsort(w->periods.items, w->periods.n, sizeof *w->periods.items, period_order);
    if (w->payments.n) qsort(w->payments.items, w->payments.n, sizeof *w->payments.items, payment_order);
    for (size_t i = 0; i < w->periods.n; i++) {
        buf_u8(&b, (uint8_t)w->periods.items[i].kind);
        buf_i64(&b, w->periods.items[i].start);
        buf_add(&b, w->periods.items[i].text);
    }
    for (size_t i = 0; i < w->payments.n; i++) {
        buf_u16(&b, w->payments.items[i].rule);
        buf_i64(&b, w->payments.items[i].time_ms);
    }
    assert_true(buf_ok(&b));
    return buf_str(&b);
}

const struct grant_result *grant_at(const struct outcome *o, size_t n) {
    assert_true(n < o->grants.n);
    return &o->grants.items[n];
}

const struct denial *denial_at(const struct outcome *o, size_t n) {
    assert_true(n < o->denied.n);
    return &o->denied.items[n];
}

const struct counted *counted_at(const struct outcome *o, size_t n) {
    assert_true(n < o->counters.n);
    return &o->counters.items[n];
}

void assert_paid(const struct outcome *o, int64_t amount) {
    if (o->denied.n) fail_msg("denied: %s", reason_name(o->denied.items[0].reason));
    assert_int_equal(o->grants.n, 1);
    assert_int_equal(o->grants.items[0].amount, amount);
}

void assert_denied(const struct outcome *o, enum reason reason, const char *next_at) {
    assert_int_equal(o->grants.n, 0);
    assert_int_equal(o->denied.n, 1);
    assert_string_equal(reason_name(o->denied.items[0].reason), reason_name(reason));
    assert_int_equal(o->denied.items[0].next_at, next_at ? at(next_at) : 0);
}
