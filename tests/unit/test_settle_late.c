/* Late events, changed zones, what configurations leave, and what has to be loaded (SEMANTICS 9, 26, 35; invariants 4, 5, 6, 10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/counters.h"
#include "tests/unit/settling.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

#define POINTS "{'kind':'currency','code':'points'}"
#define CALL   ",{'kind':'rule','code':'call','on':['call'],'count':[{'metric':'calls','by':1}],'grant':[{'currency':'points','amount':10}]}"

static void late_events_count_in_their_periods(void **state) { /* SEMANTICS 26 */
    struct world *w = world_new(*state, POINTS CALL);
    world_event(w, "call", "2026-11-30T12:00:00Z", NULL); /* a Monday */
    world_event(w, "call", "2026-12-01T12:00:00Z", NULL); /* another month, the same week */
    const struct outcome *o = world_event(w, "call", "2026-11-29T12:00:00Z", NULL);
    assert_int_equal(counted_at(o, 0)->value, 3000); /* ever */
    assert_int_equal(counted_at(o, 0)->periods[1].start, at("2026-11-29T00:00:00Z"));
    assert_int_equal(counted_at(o, 0)->periods[2].start, at("2026-11-23T00:00:00Z"));
    assert_int_equal(counted_at(o, 0)->periods[3].start, at("2026-11-01T00:00:00Z"));
    assert_int_equal(metric(w, "calls", PERIOD_DAY, "2026-11-29T00:00:00Z"), 1000);
    assert_int_equal(metric(w, "calls", PERIOD_DAY, "2026-11-30T00:00:00Z"), 1000);
    assert_int_equal(metric(w, "calls", PERIOD_DAY, "2026-12-01T00:00:00Z"), 1000);
    assert_int_equal(metric(w, "calls", PERIOD_WEEK, "2026-11-29T00:00:00Z"), 1000);
    assert_int_equal(metric(w, "calls", PERIOD_WEEK, "2026-12-01T00:00:00Z"), 2000);
    assert_int_equal(metric(w, "calls", PERIOD_MONTH, "2026-11-29T00:00:00Z"), 2000);
    assert_int_equal(metric(w, "calls", PERIOD_MONTH, "2026-12-01T00:00:00Z"), 1000);
}

static void a_condition_sees_the_period_of_the_events_time(void **state) { /* SEMANTICS 9 */
    struct world *w =
        world_new(*state, POINTS CALL
                  ",{'kind':'rule','code':'bonus','on':['bonus'],'grant':[{'currency':'points','amount':"
                  "{'+':[{'*':[1000,{'var':'metric.calls.day'}]},{'*':[100,{'var':'metric.calls.week'}]},{'var':'metric.calls'}]}}]}");
    world_event(w, "call", "2026-11-18T12:00:00Z", NULL); /* Wednesday */
    world_event(w, "call", "2026-11-19T12:00:00Z", NULL);
    world_event(w, "call", "2026-11-19T12:00:00Z", NULL);
    world_event(w, "call", "2026-11-23T12:00:00Z", NULL); /* the next week */
    assert_paid(world_event(w, "bonus", "2026-11-19T13:00:00Z", NULL), 2304);
    assert_paid(world_event(w, "bonus", "2026-11-18T13:00:00Z", NULL), 1304);
    assert_paid(world_event(w, "bonus", "2026-11-23T13:00:00Z", NULL), 1104);
    assert_paid(world_event(w, "bonus", "2026-11-24T13:00:00Z", NULL), 104); /* nothing yet on that day */
    assert_paid(world_event(w, "bonus", "2026-11-30T13:00:00Z", NULL), 4);
}

static void a_set_keeps_what_others_counted_in_each_of_its_periods(void **state) {
    struct world *w = world_new(*state, "{'kind':'rule','code':'a','on':['a'],'count':[{'metric':'a','by':1}]}"
                                        ",{'kind':'rule','code':'b','on':['b'],'count':[{'metric':'b','by':1}]}");
    world_event(w, "a", "2026-11-19T12:00:00Z", NULL);
    world_event(w, "a", "2026-11-20T12:00:00Z", NULL);
    static const struct told set[] = {
        {"b", "2026-11-18T12:00:00Z", NULL}, {"b", "2026-11-20T12:00:00Z", NULL}, {"b", "2026-11-19T12:00:00Z", NULL}};
    world_set(w, set, COUNT(set));
    assert_int_equal(w->needs.periods.n, 2); /* of three days all but the latest */
    assert_int_equal(metric(w, "a", PERIOD_DAY, "2026-11-19T12:00:00Z"), 1000);
    assert_int_equal(metric(w, "b", PERIOD_DAY, "2026-11-18T12:00:00Z"), 1000);
    assert_int_equal(metric(w, "b", PERIOD_DAY, "2026-11-19T12:00:00Z"), 1000);
    assert_int_equal(metric(w, "b", PERIOD_DAY, "2026-11-20T12:00:00Z"), 1000);
}

static void the_ordinary_event_needs_nothing(void **state) { /* MECHANICS 1 */
    struct world *w = world_new(
        *state, "{'kind':'currency','code':'points','daily_cap':{'amount':500}}"
                ",{'kind':'rule','code':'call','on':['call'],'when':{'===':[{'var':'event.data.good'},true]},'cooldown_s':1,"
                "'limits':[{'count':9,'per':'day'}],'count':[{'metric':'calls','by':1}],'grant':[{'currency':'points','amount':10}]}"
                ",{'kind':'rule','code':'profile','on':['profile'],'when':{'var':'member.attributes.team'},'grant':[{'currency':'points','"
                "amount':10}]}");
    world_event(w, "call", "2026-11-21T12:00:00Z", "{'good':true}");
    assert_int_equal(w->needs.periods.n + w->needs.payments.n + w->needs.profile, 0); /* a new member */
    world_event(w, "call", "2026-11-21T12:01:00Z", "{'good':true}");
    assert_int_equal(w->needs.periods.n + w->needs.payments.n + w->needs.profile, 0);
    world_event(w, "call", "2026-11-23T12:00:00Z", "{'good':false}");
    assert_int_equal(w->needs.periods.n, 0); /* the condition fails first */
    world_event(w, "call", "2026-11-23T12:00:00Z", "{'good':true}");
    assert_int_equal(w->needs.periods.n, 2); /* where day and week are moved */
    world_event(w, "call", "2026-11-22T12:00:00Z", "{'good':true}");
    assert_int_equal(w->needs.periods.n, 2); /* the day and week of the event */
    assert_int_equal(w->needs.payments.n, 1);
    assert_false(w->needs.profile);
    world_event(w, "profile", "2026-11-22T12:00:00Z", NULL);
    assert_true(w->needs.profile);
}

static void a_tenants_changed_zone_counts_from_when_it_says(void **state) { /* SEMANTICS 35 */
    struct world *w = world_new(*state, POINTS CALL ",{'kind':'settings','zone':'America/New_York'}");
    world_event(w, "call", "2026-11-21T04:30:00Z", NULL); /* still the 20th in New York */
    w->zone_before = STR("America/New_York");
    w->zone_from_ms = at("2026-11-22T05:00:00Z"); /* midnight in New York */
    world_configure(w, POINTS CALL ",{'kind':'settings','zone':'Europe/Berlin'}");
    const struct outcome *o = world_event(w, "call", "2026-11-22T04:59:59.999Z", NULL);
    assert_int_equal(o->day_start, at("2026-11-21T05:00:00Z"));
    assert_int_equal(o->zone_no, number(w, CODE_ZONE, "America/New_York"));
    o = world_event(w, "call", "2026-11-22T05:00:00Z", NULL);
    assert_int_equal(o->day_start, at("2026-11-21T23:00:00Z"));
    assert_int_equal(o->zone_no, number(w, CODE_ZONE, "Europe/Berlin"));
    o = world_event(w, "call", "2026-11-21T03:00:00Z", NULL); /* a late one, in the zone of its time */
    assert_int_equal(o->day_start, at("2026-11-20T05:00:00Z"));
    assert_int_equal(counter_value(&w->s, COUNTER_METRIC, 1, PERIOD_DAY, at("2026-11-20T05:00:00Z")), 2000);
    assert_int_equal(counter_value(&w->s, COUNTER_METRIC, 1, PERIOD_DAY, at("2026-11-21T05:00:00Z")), 1000);
    assert_int_equal(counter_value(&w->s, COUNTER_METRIC, 1, PERIOD_DAY, at("2026-11-21T23:00:00Z")), 1000);
}

static void a_members_changed_zone_counts_from_when_it_says(void **state) { /* SEMANTICS 35 */
    struct world *w = world_new(*state, POINTS CALL ",{'kind':'metric','code':'calls','zone':'member'}");
    struct member_state s = {0};
    assert_true(state_decode(w->a, w->hot, w->cold, &s));
    s.zone_no = 40;
    s.next_zone_no = 41;
    s.zone_from_ms = at("2026-11-21T15:00:00Z");
    w->cold = state_encode_cold(w->a, &s);
    w->zone = "Asia/Tokyo";
    w->next_zone = "Asia/Kolkata";
    const struct outcome *o = world_event(w, "call", "2026-11-21T14:59:59Z", NULL);
    assert_int_equal(o->zone_no, 40);
    assert_int_equal(o->day_start, at("2026-11-20T15:00:00Z"));
    o = world_event(w, "call", "2026-11-21T15:00:00Z", NULL);
    assert_int_equal(o->zone_no, 41);
    assert_int_equal(o->day_start, at("2026-11-20T18:30:00Z"));
    assert_int_equal(counted_at(o, 0)->periods[1].start, at("2026-11-20T18:30:00Z"));
    assert_int_equal(metric(w, "calls", PERIOD_EVER, "2026-11-21T15:00:00Z"), 2000);
}

/* --- what removed definitions leave --- */

/* Thirty metrics with all periods take 30 × 48 bytes of the row: two such configurations do not fit it. */
static const char *thirty(struct arena *a, char prefix) {
    struct buf b = buf_new(a, 64 * 1024);
    buf_z(&b, POINTS);
    for (int i = 0; i < 30; i++)
        buf_f(&b, ",{'kind':'rule','code':'%c%d','on':['call'],'count':[{'metric':'%c%d','by':1}]}", prefix, i, prefix, i);
    buf_f(&b,
          ",{'kind':'rule','code':'%c','on':['slow'],'cooldown_s':3600,'limits':[{'count':3,'per':'month'}],"
          "'grant':[{'currency':'points','amount':1}]}",
          prefix);
    return str_z(a, buf_str(&b));
}

static void what_definitions_leave_comes_back_with_them(void **state) { /* MECHANICS 1: (EVER, 0) */
    struct world *w = world_new(*state, thirty(*state, 'a'));
    world_event(w, "slow", "2026-11-20T12:00:00Z", NULL);
    world_event(w, "call", "2026-11-20T12:00:00Z", NULL);
    assert_int_equal(w->s.counters.n, 30 * 4 + 3); /* with limit, cooldown and points earned */
    world_configure(w, thirty(*state, 'b'));
    world_event(w, "call", "2026-11-21T12:00:00Z", NULL);
    assert_true(w->s.has_leftovers);
    assert_int_equal(w->s.counters.n, 30 * 4 + 1);
    assert_int_equal(w->periods.n, 1);
    assert_int_equal(w->periods.items[0].kind, PERIOD_EVER);
    world_event(w, "call", "2026-11-21T12:00:00Z", NULL);
    assert_int_equal(w->needs.periods.n, 0);              /* nothing that is missing in the row is needed */
    world_event(w, "call", "2026-11-20T12:00:00Z", NULL); /* late: the closed day has a row when the others come back */
    world_configure(w, thirty(*state, 'a'));
    world_event(w, "call", "2026-11-22T12:00:00Z", NULL); /* a day later: what came back rolls on */
    assert_int_equal(metric(w, "a7", PERIOD_EVER, "2026-11-22T12:00:00Z"), 2000);
    assert_int_equal(metric(w, "a7", PERIOD_DAY, "2026-11-20T12:00:00Z"), 1000);
    assert_int_equal(metric(w, "a7", PERIOD_DAY, "2026-11-22T12:00:00Z"), 1000);
    assert_int_equal(metric(w, "a7", PERIOD_WEEK, "2026-11-22T12:00:00Z"), 2000);
    assert_denied(world_event(w, "slow", "2026-11-20T12:30:00Z", NULL), REASON_COOLDOWN, "2026-11-20T13:00:00Z");
    world_configure(w, thirty(*state, 'b'));
    world_event(w, "call", "2026-11-22T12:00:00Z", NULL);
    assert_int_equal(metric(w, "b7", PERIOD_EVER, "2026-11-22T12:00:00Z"), 4000);
    assert_int_equal(metric(w, "b7", PERIOD_DAY, "2026-11-20T12:00:00Z"), 1000);
    assert_int_equal(metric(w, "b7", PERIOD_DAY, "2026-11-21T12:00:00Z"), 2000);
}

static void an_adjustment_finds_room_beside_what_definitions_leave(void **state) {
    struct world *w = world_new(*state, thirty(*state, 'a'));
    const struct outcome *o;
    struct faults faults;
    struct buf b = buf_new(w->a, 64 * 1024);
    world_event(w, "call", "2026-11-20T12:00:00Z", NULL);
    world_configure(w, thirty(*state, 'b'));
    world_event(w, "call", "2026-11-20T12:00:00Z", NULL);
    buf_z(&b, "{'kind':'rule','code':'c','on':['call'],'count':[{'metric':'c','by':1}]}");
    for (int i = 0; i < 15; i++) buf_f(&b, ",{'kind':'currency','code':'c%d'}", i); /* 61 bytes each beside the 1,440 of b */
    world_configure(w, str_z(w->a, buf_str(&b)));
    for (int i = 0; i < 15; i++) assert_int_equal(world_adjust(w, str_z(w->a, str_printf(w->a, "c%d", i)), 5, &o, &faults), P_OK);
    assert_int_equal(w->s.counters.n, 0);
    world_configure(w, "{'kind':'rule','code':'a7','on':['call'],'count':[{'metric':'a7','by':1}]}");
    world_event(w, "call", "2026-11-20T12:00:00Z", NULL);
    assert_int_equal(metric(w, "a7", PERIOD_EVER, "2026-11-20T12:00:00Z"), 2000);
}

static void a_state_that_cannot_fit_is_refused(void **state) {
    struct world *w = world_new(*state, POINTS);
    struct member_state s = {.version = 1};
    for (uint16_t currency = 100; currency < 145; currency++)
        state_wallet(w->a, &s, currency, PART_AVAILABLE)->seq = 1; /* of retired ones */
    struct settle_env env = {.now_ms = at("2026-11-21T12:00:00Z"), .keys = &w->keys};
    struct adjustment adj = {program_currency(w->p, STR("points")), 5};
    struct outcome o;
    struct faults faults = faults_new(w->a);
    assert_int_equal(settle_adjustment(w->p, &s, &adj, &env, w->a, &o, &faults), P_OK);
    for (uint16_t currency = 200; currency < 203; currency++) state_wallet(w->a, &s, currency, PART_AVAILABLE)->seq = 1;
    assert_int_equal(settle_adjustment(w->p, &s, &adj, &env, w->a, &o, &faults), P_STATE_TOO_LARGE);
}

/* --- properties --- */

static uint64_t next_random(uint64_t *x) { /* xorshift64: the same on every machine */
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}
static uint64_t below(uint64_t *x, uint64_t n) { return next_random(x) % n; }

static void shuffle(struct told *events, size_t n, uint64_t *x) {
    for (size_t i = n; i > 1; i--) {
        size_t k = below(x, i);
        struct told swap = events[i - 1];
        events[i - 1] = events[k];
        events[k] = swap;
    }
}

/* Balances, lifetimes, levels and every counter of the row and the closed periods: what does not depend on ids and hashes. */
static struct str totals(struct world *w) {
    struct buf b = buf_new(w->a, 1024 * 1024);
    struct member_state s = w->s;
    for (size_t i = 0; i < s.wallets.n; i++)
        buf_f(&b, "wallet %u %lld %llu\n", s.wallets.items[i].currency, (long long)s.wallets.items[i].balance,
              (unsigned long long)s.wallets.items[i].seq);
    for (size_t i = 0; i < s.lifetimes.n; i++)
        buf_f(&b, "earned %u %lld\n", s.lifetimes.items[i].currency, (long long)s.lifetimes.items[i].earned);
    for (size_t i = 0; i < s.ladders.n; i++) buf_f(&b, "ladder %u %lld\n", s.ladders.items[i].ladder, (long long)s.ladders.items[i].level);
    for (size_t i = 0; i < s.counters.n; i++) {
        const struct counter *c = &s.counters.items[i];
        buf_f(&b, "%d %u %d %lld %lld\n", c->what, c->no, c->kind, (long long)c->start, (long long)c->value);
    }
    (void)state_bytes(w); /* puts the periods in order */
    for (size_t i = 0; i < w->periods.n; i++) {
        buf_f(&b, "closed %d %lld ", w->periods.items[i].kind, (long long)w->periods.items[i].start);
        buf_add(&b, hex_text(w->a, w->periods.items[i].text));
        buf_c(&b, '\n');
    }
    assert_true(buf_ok(&b));
    return buf_str(&b);
}

static void any_order_within_a_day_gives_the_same_totals(void **state) { /* invariant 5 */
    static const char definitions[] = POINTS CALL ",{'kind':'rule','code':'chat','on':['chat','call'],'when':{'>':[{'var':'event.data.n'},"
                                                  "3]},'count':[{'metric':'n','by':{'var':'event.data.n'}}],"
                                                  "'grant':[{'currency':'points','amount':{'*':[{'var':'event.data.n'},1.3]},'factors':[{'"
                                                  "multiply':1.1}]},{'currency':'xp','amount':2}]}"
                                                  ",{'kind':'currency','code':'xp'}"
                                                  ",{'kind':'level_ladder','code':'career','currency':'points','formula':{'to_next':60,'"
                                                  "max_level':50},'grant_each':[{'currency':'xp','amount':5}]}";
    static const char *const data[] = {"{'n':1}", "{'n':4}", "{'n':5.125}", "{'n':17}"};
    struct told events[40];
    uint64_t x = 88172645463325252;
    for (size_t i = 0; i < COUNT(events); i++)
        events[i] =
            (struct told){below(&x, 2) ? "call" : "chat",
                          str_z(*state, str_printf(*state, "2026-11-21T%02u:%02u:00Z", (unsigned)below(&x, 24), (unsigned)below(&x, 60))),
                          data[below(&x, COUNT(data))]};
    struct str expected = {0};
    for (int round = 0; round < 25; round++) {
        struct world *w = world_new(*state, definitions);
        for (size_t i = 0; i < COUNT(events);) {
            size_t n = 1 + below(&x, COUNT(events) - i);
            world_set(w, events + i, n);
            i += n;
        }
        struct str got = totals(w);
        if (round == 0) expected = got;
        assert_string_equal(str_z(w->a, got), str_z(w->a, expected));
        shuffle(events, COUNT(events), &x);
    }
}

static const char everything[] =
    "{'kind':'settings','zone':'Europe/Berlin'}"
    ",{'kind':'currency','code':'points','daily_cap':{'amount':40,'plus_per_level':2,'ladder':'career','zone':'member'}}"
    ",{'kind':'currency','code':'xp','daily_cap':{'amount':30,'zone':'America/New_York'}},{'kind':'currency','code':'gold'}"
    ",{'kind':'level_ladder','code':'career','currency':'points','formula':{'to_next':40,'max_level':30},'grant_each':[{'currency':'gold','"
    "amount':5}]}"
    ",{'kind':'level_ladder','code':'rank','currency':'gold','formula':{'to_next':9,'max_level':30},'grant_each':[{'currency':'xp','amount'"
    ":1}]}"
    ",{'kind':'metric','code':'calls','zone':'Asia/Kolkata'},{'kind':'metric','code':'n','zone':'member','periods':['day','week']}"
    ",{'kind':'rule','code':'call','on':['call'],'cooldown_s':1800,'count':[{'metric':'calls','by':1}],'grant':[{'currency':'points','"
    "amount':11}]}"
    ",{'kind':'rule','code':'chat','on':['chat','call'],'limits':[{'count':2,'per':'hour'},{'count':5,'per':'day','zone':'Asia/Tokyo'},"
    "{'count':20,'per':'week'}],'count':[{'metric':'n','by':{'var':'event.data.n'}}],'count_when':'paid',"
    "'grant':[{'currency':'points','amount':{'random':[1,9]}},{'currency':'xp','amount':{'var':'event.data.n'}}]}"
    ",{'kind':'rule','code':'busy','on':['call'],'priority':-1,'when':{'>':[{'var':'metric.calls.day'},3]},'limits':[{'count':1,'per':'day'"
    "}],"
    "'grant':[{'currency':'xp','amount':{'+':[{'var':'metric.calls.week'},{'var':'metric.n.day'}]}}]}"
    ",{'kind':'rule','code':'team','on':['chat'],'audience':{'when':{'===':[{'var':'member.groups.team'},'blue']}},'cooldown_s':7200,"
    "'grant':[{'currency':'gold','amount':1}]}";

static struct told any_event(struct arena *a, uint64_t *x) {
    static const char *const data[] = {"{'n':0}", "{'n':1}", "{'n':2.5}", "{'n':7}"};
    const char *time =
        str_z(a, str_printf(a, "2026-10-%02uT%02u:%02u:00Z", 23 + (unsigned)below(x, 6), (unsigned)below(x, 24), (unsigned)below(x, 60)));
    return (struct told){below(x, 3) ? "call" : "chat", time, data[below(x, COUNT(data))]};
}

static void
what_is_asked_for_is_enough_and_sets_change_nothing(void **state) { /* invariant 6: needs against everything, sets against singles */
    uint64_t x = 2463534242;
    for (int round = 0; round < 30; round++) {
        struct world *w[3];
        struct told events[60];
        for (int i = 0; i < 3; i++) {
            w[i] = world_new(*state, everything);
            w[i]->zone = "Pacific/Auckland";
            w[i]->groups = "{'team':'blue'}";
            w[i]->now_ms = at("2026-11-01T00:00:00Z");
        }
        w[1]->load_all = true;
        for (size_t i = 0; i < COUNT(events); i++) events[i] = any_event(*state, &x);
        for (size_t i = 0; i < COUNT(events);) {
            size_t n = 1 + below(&x, below(&x, 4) ? 3 : COUNT(events) - i);
            if (n > COUNT(events) - i) n = COUNT(events) - i;
            const struct outcome **a = world_set(w[0], events + i, n), **b = world_set(w[1], events + i, n);
            for (size_t k = 0; k < n; k++) assert_true(str_eq(outcome_encode(*state, a[k]), outcome_encode(*state, b[k])));
            for (size_t k = 0; k < n; k++) world_set(w[2], events + i + k, 1);
            i += n;
        }
        assert_true(str_eq(state_bytes(w[0]), state_bytes(w[1])));
        assert_string_equal(str_z(*state, totals(w[2])), str_z(*state, totals(w[0])));
        arena_reset(*state);
    }
}

/* --- recounting from outcomes alone --- */

struct tally {
    uint16_t no;
    enum period_kind kind;
    int64_t start, sum, bound;
};
struct tallies {
    LIST(struct tally) list;
};

static struct tally *tally_of(struct arena *a, struct tallies *t, uint16_t no, enum period_kind kind, int64_t start) {
    for (size_t i = 0; i < t->list.n; i++)
        if (t->list.items[i].no == no && t->list.items[i].kind == kind && t->list.items[i].start == start) return &t->list.items[i];
    struct tally *fresh = LIST_PUSH(a, &t->list);
    *fresh = (struct tally){no, kind, start, 0, 0};
    return fresh;
}

static void recount(struct world *w, const struct outcome *o, struct tallies *metrics, struct tallies *caps, struct tallies *paid) {
    for (size_t i = 0; i < o->counters.n; i++)
        for (size_t k = 0; k < o->counters.items[i].n_periods; k++)
            tally_of(w->a, metrics, o->counters.items[i].metric, o->counters.items[i].periods[k].kind,
                     o->counters.items[i].periods[k].start)
                ->sum += o->counters.items[i].by;
    uint16_t last = 0;
    for (size_t i = 0; i < o->grants.n; i++) {
        const struct grant_result *g = &o->grants.items[i];
        if (g->cause != CAUSE_RULE) continue;
        const struct currency *c = program_currency_no(w->p, g->currency);
        const struct rule *r = program_rule_no(w->p, g->cause_no);
        if (c->has_cap) {
            struct tally *t = tally_of(w->a, caps, c->no, PERIOD_DAY,
                                       period_start(zone_at(w->p, &w->s, &c->cap.zone, o->event_time), PERIOD_DAY, o->event_time));
            t->sum += g->amount;
            t->bound = cap_amount(w->p, &w->s, c); /* levels only rise */
            assert_true(t->sum <= t->bound);
        }
        for (size_t k = 0; k < r->n_limits && r->no != last; k++) {
            const struct rule_limit *l = &r->limits[k];
            struct tally *t =
                tally_of(w->a, paid, r->no, l->per, period_start(zone_at(w->p, &w->s, &l->zone, o->event_time), l->per, o->event_time));
            assert_true(++t->sum <= l->count);
        }
        last = r->no;
    }
}

static void bounds_hold_and_counters_are_what_recounting_gives(void **state) { /* invariants 4 and 10 */
    uint64_t x = 1181783497276652981;
    struct world *w = world_new(*state, everything);
    struct tallies metrics = {0}, caps = {0}, paid = {0};
    size_t capped = 0, limited = 0, cooled = 0;
    w->zone = "Pacific/Auckland";
    w->groups = "{'team':'blue'}";
    for (int i = 0; i < 250; i++) {
        struct told t = any_event(*state, &x);
        const struct outcome *o = world_set(w, &t, 1)[0];
        recount(w, o, &metrics, &caps, &paid);
        for (size_t k = 0; k < o->denied.n; k++) {
            capped += o->denied.items[k].reason == REASON_CAPPED;
            limited += o->denied.items[k].reason == REASON_LIMIT;
            cooled += o->denied.items[k].reason == REASON_COOLDOWN;
        }
    }
    assert_true(capped > 5 && limited > 5 && cooled > 5 && metrics.list.n >= 20);
    for (size_t i = 0; i < metrics.list.n; i++) {
        const struct tally *t = &metrics.list.items[i];
        assert_int_equal(counter_value(&w->s, COUNTER_METRIC, t->no, t->kind, t->start), t->sum);
    }
    for (size_t i = 0; i < caps.list.n; i++)
        assert_int_equal(counter_value(&w->s, COUNTER_CAP, caps.list.items[i].no, PERIOD_DAY, caps.list.items[i].start),
                         caps.list.items[i].sum);
    for (size_t i = 0; i < paid.list.n; i++)
        assert_int_equal(counter_value(&w->s, COUNTER_LIMIT, paid.list.items[i].no, paid.list.items[i].kind, paid.list.items[i].start),
                         paid.list.items[i].sum);
    for (size_t i = 0; i < w->payments.n; i++)
        for (size_t k = 0; k < i; k++)
            if (w->payments.items[i].rule == w->payments.items[k].rule)
                assert_true(llabs(w->payments.items[i].time_ms - w->payments.items[k].time_ms) >=
                            program_rule_no(w->p, w->payments.items[i].rule)->cooldown_ms);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(late_events_count_in_their_periods),
        TEST(a_condition_sees_the_period_of_the_events_time),
        TEST(a_set_keeps_what_others_counted_in_each_of_its_periods),
        TEST(the_ordinary_event_needs_nothing),
        TEST(a_tenants_changed_zone_counts_from_when_it_says),
        TEST(a_members_changed_zone_counts_from_when_it_says),
        TEST(what_definitions_leave_comes_back_with_them),
        TEST(an_adjustment_finds_room_beside_what_definitions_leave),
        TEST(a_state_that_cannot_fit_is_refused),
        TEST(any_order_within_a_day_gives_the_same_totals),
        TEST(what_is_asked_for_is_enough_and_sets_change_nothing),
        TEST(bounds_hold_and_counters_are_what_recounting_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
