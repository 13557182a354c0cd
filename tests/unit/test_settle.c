/* Settling one event: conditions, amounts, reasons, order, counters, the ledger (SEMANTICS 5, 10–12, 18, 22, 24, 27). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/settling.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

#define POINTS "{'kind':'currency','code':'points'}"
#define CALL   "'kind':'rule','code':'call','on':['call.completed']"
#define NOON   "2026-11-21T12:00:00Z"

static const char call_centre[] =
    POINTS ",{" CALL ",'count':[{'metric':'calls','by':1}],'grant':[{'currency':'points','amount':10,"
           "'factors':[{'when':{'===':[{'var':'event.data.rating'},5]},'multiply':2,'why':'perfect call'}]}]}";

static void a_perfect_call_pays_20(void **state) { /* SEMANTICS 24 */
    struct world *w = world_new(*state, call_centre);
    const struct outcome *o = world_event(w, "call.completed", NOON, "{'rating':5}");
    assert_paid(o, 20);
    const struct grant_result *g = grant_at(o, 0);
    assert_int_equal(g->base.digits, 10);
    assert_int_equal(g->base.places, 0);
    assert_int_equal(g->factors, 1);
    assert_int_equal(g->uncapped, 20);
    assert_int_equal(g->balance_after, 20);
    assert_int_equal(g->seq, 1);
    assert_int_equal(g->kind, KIND_EARNED);
    assert_int_equal(g->contra, ACCOUNT_ISSUANCE);
    assert_int_equal(g->part, PART_AVAILABLE);
    assert_false(g->capped);
    assert_int_equal(counted_at(o, 0)->by, 1000);
    assert_int_equal(counted_at(o, 0)->value, 1000);
    assert_int_equal(counted_at(o, 0)->n_periods, 4);
    assert_int_equal(o->type_no, number(w, CODE_TYPE, "call.completed"));
    assert_int_equal(o->config_version, 1);
    assert_int_equal(o->event_time, at(NOON));
    assert_int_equal(o->day_start, at("2026-11-21T00:00:00Z"));
    o = world_event(w, "call.completed", NOON, "{'rating':4}");
    assert_paid(o, 10);
    assert_int_equal(grant_at(o, 0)->factors, 0);
    assert_int_equal(grant_at(o, 0)->seq, 2);
    assert_int_equal(balance(w, "points"), 30);
    assert_int_equal(metric(w, "calls", PERIOD_EVER, NOON), 2000);
    assert_int_equal(metric(w, "calls", PERIOD_WEEK, NOON), 2000);
    assert_int_equal(counter_at(w, COUNTER_EARNED, CODE_CURRENCY, "points", PERIOD_DAY, "2026-11-21T00:00:00Z"), 30);
}

static void an_unknown_type_earns_nothing(void **state) { /* SEMANTICS 5 */
    struct world *w = world_new(*state, call_centre);
    const struct outcome *o = world_event(w, "call.missed", NOON, NULL);
    assert_int_equal(o->type_no, 0);
    assert_int_equal(o->grants.n + o->denied.n + o->counters.n + o->levels.n, 0);
    assert_int_equal(o->member_version, 1);
}

static void a_suspended_member_is_denied_and_nothing_counted(void **state) { /* SEMANTICS 5 */
    struct world *w = world_new(*state, call_centre);
    world_status(w, MEMBER_SUSPENDED, "");
    const struct outcome *o = world_event(w, "call.completed", NOON, "{'rating':5}");
    assert_denied(o, REASON_SUSPENDED, NULL);
    assert_int_equal(denial_at(o, 0)->rule, number(w, CODE_RULE, "call"));
    assert_int_equal(o->counters.n, 0);
    assert_denied(world_event(w, "call.missed", NOON, NULL), REASON_SUSPENDED, NULL);
    assert_int_equal(w->s.counters.n, 0);
}

static void a_disabled_tenant_denies_with_inactive(void **state) { /* SEMANTICS 27 */
    struct world *w = world_new(*state, call_centre);
    world_configure(w, str_z(w->a, str_printf(w->a, "%s,{'kind':'settings','enabled':false}", call_centre)));
    const struct outcome *o = world_event(w, "call.completed", NOON, "{'rating':5}");
    assert_denied(o, REASON_INACTIVE, NULL);
    assert_int_equal(denial_at(o, 0)->place.in, PLACE_NONE);
    assert_int_equal(o->counters.n, 0);
    assert_denied(world_event(w, "call.missed", NOON, NULL), REASON_INACTIVE, NULL);
    assert_int_equal(denial_at(world_event(w, "call.missed", NOON, NULL), 0)->rule, 0);
}

static void dates_and_enabled_make_a_rule_inactive(void **state) {
    struct world *w = world_new(*state, POINTS ",{" CALL ",'starts_at':'2026-11-21T12:00:00Z','ends_at':'2026-11-22T00:00:00Z',"
                                               "'count':[{'metric':'calls','by':1}],'grant':[{'currency':'points','amount':10}]}");
    const struct outcome *o = world_event(w, "call.completed", "2026-11-21T11:59:59.999Z", NULL);
    assert_denied(o, REASON_INACTIVE, NULL);
    assert_int_equal(denial_at(o, 0)->place.in, PLACE_DATES);
    assert_paid(world_event(w, "call.completed", "2026-11-21T12:00:00Z", NULL), 10);
    assert_paid(world_event(w, "call.completed", "2026-11-21T23:59:59.999Z", NULL), 10);
    assert_denied(world_event(w, "call.completed", "2026-11-22T00:00:00Z", NULL), REASON_INACTIVE, NULL);
    assert_int_equal(metric(w, "calls", PERIOD_EVER, NOON), 2000);
    world_configure(w, POINTS ",{" CALL ",'enabled':false,'grant':[{'currency':'points','amount':10}]}");
    o = world_event(w, "call.completed", NOON, NULL);
    assert_denied(o, REASON_INACTIVE, NULL);
    assert_int_equal(denial_at(o, 0)->place.in, PLACE_ENABLED);
}

static void audience_and_condition_name_the_failing_part(void **state) {
    struct world *w =
        world_new(*state, POINTS ",{" CALL ",'audience':{'types':['agent'],'when':{'===':[{'var':'member.attributes.team'},'blue']}},"
                                 "'when':{'and':[{'>':[{'var':'event.data.rating'},3]},{'<':[{'var':'event.data.rating'},5]}]},"
                                 "'count':[{'metric':'calls','by':1}],'grant':[{'currency':'points','amount':10}]}");
    const struct outcome *o = world_event(w, "call.completed", NOON, "{'rating':4}");
    assert_denied(o, REASON_AUDIENCE, NULL);
    assert_int_equal(denial_at(o, 0)->place.in, PLACE_AUDIENCE_TYPES);
    world_status(w, MEMBER_ACTIVE, "agent");
    o = world_event(w, "call.completed", NOON, "{'rating':4}");
    assert_denied(o, REASON_AUDIENCE, NULL);
    assert_int_equal(denial_at(o, 0)->place.in, PLACE_AUDIENCE_WHEN);
    w->attributes = "{'team':'blue'}";
    assert_paid(world_event(w, "call.completed", NOON, "{'rating':4}"), 10);
    assert_true(w->needs.profile);
    o = world_event(w, "call.completed", NOON, "{'rating':5}");
    assert_denied(o, REASON_CONDITION, NULL);
    assert_int_equal(denial_at(o, 0)->place.in, PLACE_WHEN);
    /* and, its list, the first operand with all of its 4 values, then the second operand */
    assert_int_equal(denial_at(o, 0)->place.node, 7);
    assert_false(w->needs.profile); /* the condition needs only the event, and is checked first (SEMANTICS 9) */
    assert_int_equal(metric(w, "calls", PERIOD_EVER, NOON), 1000);
}

static void what_an_expression_sees(void **state) { /* SEMANTICS 9 */
    struct world *w = world_new(
        *state, POINTS
        ",{'kind':'level_ladder','code':'career','currency':'points','levels':[{'at':0},{'at':10}]}"
        ",{" CALL
        ",'when':{'and':[{'===':[{'var':'event.type'},'call.completed']},{'===':[{'var':'event.time'},'2026-11-21T12:00:00.000Z']},"
        "{'===':[{'var':'member.type'},'agent']},{'===':[{'var':'member.groups.team'},'blue']},{'===':[{'hour':[]},13]},"
        "{'===':[{'day_of_week':[]},6]}]},"
        "'count':[{'metric':'hours','by':{'var':'event.data.hours'}}],"
        "'grant':[{'currency':'points','amount':{'+':[1,{'*':[1000,{'var':'member.level.career'}]},{'*':[100,{'var':'metric.hours.day'}]},"
        "{'var':'metric.hours'}]}}]}");
    world_status(w, MEMBER_ACTIVE, "agent");
    w->zone = "Europe/Berlin"; /* hour and day of the week are the member's */
    w->groups = "{'team':'blue'}";
    assert_paid(world_event(w, "call.completed", NOON, "{'hours':1.5}"), 1001);
    assert_paid(world_event(w, "call.completed", NOON, "{'hours':2}"), 2152); /* 1 + 2 × 1000 + 150 + 1.5, floored */
    assert_int_equal(metric(w, "hours", PERIOD_EVER, NOON), 3500);
}

static void factors_are_exact_and_floored_once(void **state) { /* SEMANTICS 11: doubles floor 100 × 1.15 to 114 */
    struct world *w = world_new(
        *state,
        POINTS ",{" CALL ",'grant':[{'currency':'points','amount':100,'factors':[{'multiply':1.15}]}]}"
               ",{'kind':'rule','code':'deal','on':['deal'],'grant':[{'currency':'points','amount':7,"
               "'factors':[{'multiply':1.5,'add':0.25},{'multiply':0.5},{'multiply':1.000001}]}]}"
               ",{'kind':'rule','code':'price','on':['price'],'grant':[{'currency':'points','amount':{'/':[{'var':'event.data.cents'},3]},"
               "'factors':[{'multiply':3}]}]}");
    assert_paid(world_event(w, "call.completed", NOON, NULL), 115);
    const struct outcome *o = world_event(w, "deal", NOON, NULL); /* (10.5 + 0.25) / 2 = 5.375 */
    assert_paid(o, 5);
    assert_int_equal(grant_at(o, 0)->factors, 7);
    o = world_event(w, "price", NOON, "{'cents':100}"); /* 33.333333 × 3 = 99.999999 */
    assert_paid(o, 99);
    assert_int_equal(grant_at(o, 0)->base.digits, 33333333);
    assert_int_equal(grant_at(o, 0)->base.places, 6);
}

static void less_than_1_is_denied_with_zero(void **state) { /* SEMANTICS 10 */
    struct world *w =
        world_new(*state, POINTS ",{" CALL ",'count':[{'metric':'calls','by':1}],'cooldown_s':60,'limits':[{'count':1,'per':'day'}],"
                                 "'grant':[{'currency':'points','amount':{'var':'event.data.n'}}]}");
    assert_denied(world_event(w, "call.completed", NOON, "{'n':0.999999}"), REASON_ZERO, NULL);
    assert_denied(world_event(w, "call.completed", NOON, "{'n':0}"), REASON_ZERO, NULL);
    const struct outcome *o = world_event(w, "call.completed", NOON, "{'n':-5}");
    assert_denied(o, REASON_ZERO, NULL);
    assert_int_equal(denial_at(o, 0)->currency, 0);
    assert_int_equal(o->entries.n, 0);
    assert_paid(world_event(w, "call.completed", NOON, "{'n':1}"), 1); /* neither limit nor cooldown was used */
    assert_int_equal(metric(w, "calls", PERIOD_EVER, NOON), 4000);
}

static void a_faulty_amount_denies_with_expression_and_its_place(void **state) { /* SEMANTICS 9 */
    struct world *w = world_new(
        *state, POINTS ",{" CALL ",'count':[{'metric':'calls','by':1}],'grant':[{'currency':'points','amount':{'var':'event.data.n'},"
                       "'factors':[{'multiply':2},{'when':{'<':[1,{'/':[1,{'var':'event.data.d'}]}]},'multiply':3}]}]}");
    const struct outcome *o = world_event(w, "call.completed", NOON, "{'n':'many','d':1}"); /* no number */
    assert_denied(o, REASON_EXPRESSION, NULL);
    assert_int_equal(denial_at(o, 0)->place.in, PLACE_AMOUNT);
    assert_int_equal(denial_at(o, 0)->place.index, 0);
    assert_denied(world_event(w, "call.completed", NOON, "{'n':1000000000001,'d':1}"), REASON_EXPRESSION, NULL); /* beyond 10^12 */
    assert_paid(world_event(w, "call.completed", NOON, "{'n':1000000000000,'d':1}"), 2000000000000);
    o = world_event(w, "call.completed", NOON, "{'n':1,'d':0}");
    assert_denied(o, REASON_EXPRESSION, NULL);
    assert_int_equal(denial_at(o, 0)->place.in, PLACE_FACTOR);
    assert_int_equal(denial_at(o, 0)->place.factor, 1);
    assert_int_equal(denial_at(o, 0)->place.node, 3);              /* <, its list, 1, then the division */
    assert_int_equal(metric(w, "calls", PERIOD_EVER, NOON), 4000); /* condition and audience passed (SEMANTICS 12) */
}

static void an_amount_beyond_the_largest_is_denied_with_expression(void **state) {
    struct world *w = world_new(*state, POINTS ",{" CALL ",'grant':[{'currency':'points','amount':{'var':'event.data.n'},"
                                               "'factors':[{'multiply':1000}]}]}");
    assert_paid(world_event(w, "call.completed", NOON, "{'n':1000000000000}"), AMOUNT_MAX);
    assert_denied(world_event(w, "call.completed", NOON, "{'n':1000000000000.001}"), REASON_EXPRESSION, NULL);
}

static void a_faulty_condition_counts_nothing(void **state) {
    struct world *w = world_new(*state, POINTS ",{" CALL ",'when':{'/':[1,{'var':'event.data.d'}]},'count':[{'metric':'calls','by':1}],"
                                               "'grant':[{'currency':'points','amount':1}]}");
    const struct outcome *o = world_event(w, "call.completed", NOON, "{'d':0}");
    assert_denied(o, REASON_EXPRESSION, NULL);
    assert_int_equal(denial_at(o, 0)->place.in, PLACE_WHEN);
    assert_int_equal(o->counters.n, 0);
}

static void counts_are_rounded_at_3_places_half_away_from_zero(void **state) { /* MECHANICS 2 */
    struct world *w = world_new(*state, "{" CALL ",'count':[{'metric':'hours','by':{'var':'event.data.h'}}]}");
    static const struct {
        const char *data;
        int64_t by;
    } cases[] = {{"{'h':1.0005}", 1001},
                 {"{'h':8.0125}", 8013},
                 {"{'h':2.0014999999}", 2001},
                 {"{'h':1.0004999}", 1000},
                 {"{'h':0.0005}", 1},
                 {"{'h':0.00049999999}", 0},
                 {"{'h':0}", 0},
                 {"{'h':-3}", 0},
                 {"{'h':1000000000.0005}", 1000000000001}};
    int64_t sum = 0;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct outcome *o = world_event(w, "call.completed", NOON, cases[i].data);
        sum += cases[i].by;
        assert_int_equal(o->denied.n, 0);
        assert_int_equal(o->counters.n, cases[i].by ? 1 : 0);
        if (cases[i].by) assert_int_equal(counted_at(o, 0)->by, cases[i].by);
        assert_int_equal(metric(w, "hours", PERIOD_MONTH, NOON), sum);
    }
    const struct outcome *o = world_event(w, "call.completed", NOON, "{'h':'x'}");
    assert_denied(o, REASON_EXPRESSION, NULL);
    assert_int_equal(denial_at(o, 0)->place.in, PLACE_COUNT);
}

static void a_metric_never_leaves_its_bound(void **state) { /* SEMANTICS 26 */
    struct world *w =
        world_new(*state, POINTS ",{" CALL ",'count':[{'metric':'calls','by':1},{'metric':'hours','by':{'var':'event.data.h'}}],"
                                 "'grant':[{'currency':'points','amount':1}]}");
    assert_paid(world_event(w, "call.completed", NOON, "{'h':999999999999.5}"), 1);
    const struct outcome *o = world_event(w, "call.completed", NOON, "{'h':0.501}");
    assert_denied(o, REASON_LIMIT, NULL);
    assert_int_equal(denial_at(o, 0)->place.in, PLACE_COUNT);
    assert_int_equal(denial_at(o, 0)->place.index, 1);
    assert_int_equal(o->counters.n, 0); /* nor is anything else of the rule counted */
    assert_paid(world_event(w, "call.completed", NOON, "{'h':0.5}"), 1);
    assert_int_equal(metric(w, "hours", PERIOD_EVER, NOON), METRIC_MAX);
    assert_int_equal(metric(w, "calls", PERIOD_EVER, NOON), 2000);
}

static void rules_run_by_priority_and_all_see_the_state_before(void **state) { /* SEMANTICS 10 */
    struct world *w = world_new(
        *state, POINTS
        ",{'kind':'level_ladder','code':'career','currency':'points','levels':[{'at':0},{'at':10}]}"
        ",{'kind':'rule','code':'a','on':['call.completed'],'count':[{'metric':'calls','by':1}],'grant':[{'currency':'points','amount':10}]"
        "}"
        ",{'kind':'rule','code':'b','on':['call.completed'],'when':{'===':[{'var':'metric.calls'},0]},'count':[{'metric':'calls','by':2}],"
        "'grant':[{'currency':'points','amount':{'var':'member.level.career'}}]}"
        ",{'kind':'rule','code':'z','priority':5,'on':['call.completed'],'grant':[{'currency':'points','amount':100}]}");
    const struct outcome *o = world_event(w, "call.completed", NOON, NULL);
    assert_int_equal(o->grants.n, 3);
    assert_int_equal(grant_at(o, 0)->cause_no, number(w, CODE_RULE, "z"));
    assert_int_equal(grant_at(o, 1)->cause_no, number(w, CODE_RULE, "a"));
    assert_int_equal(grant_at(o, 2)->cause_no, number(w, CODE_RULE, "b"));
    assert_int_equal(grant_at(o, 2)->amount, 1); /* though 110 points would be level 2 */
    assert_int_equal(o->counters.n, 1);          /* once, after all rules */
    assert_int_equal(counted_at(o, 0)->by, 3000);
    assert_int_equal(counted_at(o, 0)->value, 3000);
    o = world_event(w, "call.completed", NOON, NULL);
    assert_int_equal(o->grants.n, 2);
    assert_int_equal(denial_at(o, 0)->rule, number(w, CODE_RULE, "b"));
    assert_int_equal(denial_at(o, 0)->reason, REASON_CONDITION);
}

static void count_when_paid_counts_only_what_was_paid(void **state) { /* SEMANTICS 12 */
    struct world *w = world_new(
        *state, POINTS
        ",{" CALL ",'count':[{'metric':'seen','by':1}],'limits':[{'count':1,'per':'day'}],'grant':[{'currency':'points','amount':10}]}"
        ",{'kind':'rule','code':'paid','on':['call.completed'],'count':[{'metric':'paid','by':1}],'count_when':'paid','cooldown_s':60,"
        "'grant':[{'currency':'points','amount':10}]}");
    const struct outcome *o = world_event(w, "call.completed", NOON, NULL);
    assert_int_equal(o->counters.n, 2);
    o = world_event(w, "call.completed", "2026-11-21T12:00:59Z", NULL);
    assert_int_equal(o->denied.n, 2);
    assert_int_equal(o->counters.n, 1);
    assert_int_equal(counted_at(o, 0)->metric, number(w, CODE_METRIC, "seen"));
    assert_int_equal(metric(w, "seen", PERIOD_EVER, NOON), 2000);
    assert_int_equal(metric(w, "paid", PERIOD_EVER, NOON), 1000);
}

static void a_rule_that_only_counts_is_neither_granted_nor_denied(void **state) {
    struct world *w = world_new(*state, "{" CALL ",'count':[{'metric':'calls','by':0.25}]}"
                                        ",{'kind':'metric','code':'calls','periods':['day','month']}");
    const struct outcome *o = world_event(w, "call.completed", NOON, NULL);
    o = world_event(w, "call.completed", "2026-11-22T12:00:00Z", NULL);
    assert_int_equal(o->grants.n + o->denied.n, 0);
    assert_int_equal(counted_at(o, 0)->by, 250);
    assert_int_equal(counted_at(o, 0)->value, 500); /* of the longest period kept: the month */
    assert_int_equal(counted_at(o, 0)->n_periods, 2);
    assert_int_equal(counted_at(o, 0)->periods[0].kind, PERIOD_DAY);
    assert_int_equal(counted_at(o, 0)->periods[0].start, at("2026-11-22T00:00:00Z"));
    assert_int_equal(counted_at(o, 0)->periods[1].start, at("2026-11-01T00:00:00Z"));
}

static void random_amounts_come_from_the_event(void **state) { /* ENCODINGS "Random amounts", invariant 6 */
    struct world *w = world_new(*state, POINTS ",{" CALL ",'grant':[{'currency':'points','amount':{'random':[1,1000]}}]}");
    const struct outcome *first = world_event(w, "call.completed", NOON, NULL), *second = world_event(w, "call.completed", NOON, NULL);
    int64_t expected = random_amount(&w->keys.random, STR("dialer"), STR("c-1"), STR("call"), 0, 1, 1000);
    assert_paid(first, expected);
    assert_paid(second, random_amount(&w->keys.random, STR("dialer"), STR("c-2"), STR("call"), 0, 1, 1000));
    assert_int_equal(grant_at(first, 0)->base.digits, expected);
}

static void a_balance_never_leaves_its_bound(void **state) {
    struct world *w =
        world_new(*state, POINTS ",{'kind':'currency','code':'coins'},{" CALL ",'grant':[{'currency':'points','amount':1000000},"
                                 "{'currency':'coins','amount':1}]}");
    const struct outcome *o;
    struct faults faults;
    for (int i = 0; i < 1000; i++) assert_int_equal(world_adjust(w, "points", AMOUNT_MAX - (i == 999), &o, &faults), P_OK);
    o = world_event(w, "call.completed", NOON, NULL);
    assert_int_equal(grant_at(o, 0)->currency, number(w, CODE_CURRENCY, "coins"));
    assert_int_equal(denial_at(o, 0)->reason, REASON_LIMIT);
    assert_int_equal(denial_at(o, 0)->currency, number(w, CODE_CURRENCY, "points"));
    assert_int_equal(world_adjust(w, "points", 2, &o, &faults), P_NUMBER);
    assert_int_equal(world_adjust(w, "points", 1, &o, &faults), P_OK);
    assert_int_equal(balance(w, "points"), BALANCE_MAX);
    assert_int_equal(world_adjust(w, "points", -10, &o, &faults), P_OK);
    assert_int_equal(world_adjust(w, "points", 1, &o, &faults), P_NUMBER); /* what was ever earned has the same bound */
}

static void adjustments(void **state) { /* SEMANTICS 18, 22 */
    struct world *w = world_new(*state, POINTS ",{'kind':'currency','code':'xp','spendable':false}");
    const struct outcome *o;
    struct faults faults;
    w->now_ms = at(NOON);
    assert_int_equal(world_adjust(w, "points", 10, &o, &faults), P_OK);
    assert_int_equal(o->change, CHANGE_ADJUSTMENT);
    assert_int_equal(grant_at(o, 0)->cause, CAUSE_ADJUSTMENT);
    assert_int_equal(grant_at(o, 0)->kind, KIND_ADJUSTMENT);
    assert_int_equal(grant_at(o, 0)->contra, ACCOUNT_ADJUSTMENT);
    assert_int_equal(o->event_time, at(NOON));
    assert_int_equal(world_adjust(w, "points", -7, &o, &faults), P_OK);
    assert_int_equal(grant_at(o, 0)->amount, -7);
    assert_int_equal(grant_at(o, 0)->balance_after, 3);
    assert_int_equal(w->s.lifetimes.items[0].earned, 10); /* a negative adjustment does not lower it */
    assert_int_equal(w->s.lifetimes.items[0].spent, 0);
    assert_int_equal(world_adjust(w, "points", -5, &o, &faults), P_INSUFFICIENT);
    assert_string_equal(str_z(w->a, faults.extra), "\"required\":5,\"available\":3,\"shortfall\":2");
    assert_int_equal(world_adjust(w, "xp", -1, &o, &faults), P_INSUFFICIENT);
    assert_int_equal(balance(w, "points"), 3);
    assert_int_equal(world_adjust(w, "points", -3, &o, &faults), P_OK);
    assert_int_equal(counter_at(w, COUNTER_EARNED, CODE_CURRENCY, "points", PERIOD_DAY, "2026-11-21T00:00:00Z"), 0);
}

static void created_at_never_goes_back(void **state) { /* ENCODINGS "Ledger hash" */
    struct world *w = world_new(*state, call_centre);
    w->now_ms = at("2026-11-21T13:00:00Z");
    const struct outcome *o = world_event(w, "call.completed", NOON, NULL);
    assert_int_equal(o->entries.items[0].created_at, at("2026-11-21T13:00:00Z"));
    w->now_ms = at("2026-11-21T12:30:00Z"); /* the clock was stepped */
    o = world_event(w, "call.completed", NOON, NULL);
    assert_int_equal(o->settled_at, at("2026-11-21T12:30:00Z"));
    assert_int_equal(o->entries.items[0].created_at, at("2026-11-21T13:00:00Z"));
}

static void the_same_arguments_give_the_same_bytes(void **state) { /* invariant 6 */
    struct str bytes[2], outcome[2];
    for (int i = 0; i < 2; i++) {
        struct world *w = world_new(*state, call_centre);
        world_event(w, "call.completed", NOON, "{'rating':5}");
        outcome[i] = outcome_encode(w->a, world_event(w, "call.completed", "2026-11-22T12:00:00Z", "{'rating':5}"));
        bytes[i] = state_bytes(w);
    }
    assert_true(str_eq(bytes[0], bytes[1]));
    assert_true(str_eq(outcome[0], outcome[1]));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_perfect_call_pays_20),
        TEST(an_unknown_type_earns_nothing),
        TEST(a_suspended_member_is_denied_and_nothing_counted),
        TEST(a_disabled_tenant_denies_with_inactive),
        TEST(dates_and_enabled_make_a_rule_inactive),
        TEST(audience_and_condition_name_the_failing_part),
        TEST(what_an_expression_sees),
        TEST(factors_are_exact_and_floored_once),
        TEST(less_than_1_is_denied_with_zero),
        TEST(a_faulty_amount_denies_with_expression_and_its_place),
        TEST(an_amount_beyond_the_largest_is_denied_with_expression),
        TEST(a_faulty_condition_counts_nothing),
        TEST(counts_are_rounded_at_3_places_half_away_from_zero),
        TEST(a_metric_never_leaves_its_bound),
        TEST(rules_run_by_priority_and_all_see_the_state_before),
        TEST(count_when_paid_counts_only_what_was_paid),
        TEST(a_rule_that_only_counts_is_neither_granted_nor_denied),
        TEST(random_amounts_come_from_the_event),
        TEST(a_balance_never_leaves_its_bound),
        TEST(adjustments),
        TEST(created_at_never_goes_back),
        TEST(the_same_arguments_give_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
