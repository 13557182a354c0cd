/* Levels (SEMANTICS 18–20, 24, 37). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/settling.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

#define NOON   "2026-11-21T12:00:00Z"
#define POINTS "{'kind':'currency','code':'points'},{'kind':'currency','code':'xp','spendable':false}"
#define CALL                                                                                                                               \
    ",{'kind':'rule','code':'call','on':['call'],'grant':[{'currency':'points','amount':{'var':'event.data.points'}}]}"                    \
    ",{'kind':'rule','code':'quest','on':['quest'],'grant':[{'currency':'xp','amount':{'var':'event.data.xp'}}]}"
#define LADDER(levels, more) ",{'kind':'level_ladder','code':'career','currency':'points','levels':[" levels "]" more "}"
#define EACH                 ",'grant_each':[{'currency':'points','amount':100,'factors':[{'multiply':1.25}]}]"

static void assert_level(const struct outcome *o, int64_t from, int64_t to) {
    assert_int_equal(o->levels.n, 1);
    assert_int_equal(o->levels.items[0].from, from);
    assert_int_equal(o->levels.items[0].to, to);
}

static void a_level_up_pays_125_exactly_once(void **state) { /* SEMANTICS 19, 24 */
    struct world *w = world_new(*state, POINTS CALL LADDER("{'at':0},{'at':1000},{'at':2000}", EACH));
    assert_paid(world_event(w, "call", NOON, "{'points':999}"), 999);
    const struct outcome *o = world_event(w, "call", NOON, "{'points':20}");
    assert_int_equal(o->grants.n, 2);
    const struct grant_result *g = grant_at(o, 1);
    assert_int_equal(g->cause, CAUSE_LADDER);
    assert_int_equal(g->cause_no, number(w, CODE_LADDER, "career"));
    assert_int_equal(g->level, 2);
    assert_int_equal(g->grant, 0);
    assert_int_equal(g->kind, KIND_BONUS);
    assert_int_equal(g->contra, ACCOUNT_ISSUANCE);
    assert_int_equal(g->base.digits, 100);
    assert_int_equal(g->factors, 1);
    assert_int_equal(g->amount, 125);
    assert_int_equal(g->balance_after, 1144);
    assert_level(o, 1, 2);
    o = world_event(w, "call", NOON, "{'points':1}");
    assert_paid(o, 1);
    assert_int_equal(o->levels.n, 0);
    assert_int_equal(balance(w, "points"), 1145);
    assert_int_equal(state_ladder_find(&w->s, 1)->level, 2);
    assert_int_equal(counter_at(w, COUNTER_EARNED, CODE_CURRENCY, "points", PERIOD_DAY, "2026-11-21T00:00:00Z"), 1145); /* SEMANTICS 21 */
}

static void every_level_crossed_pays_lowest_first(void **state) { /* SEMANTICS 19 */
    struct world *w =
        world_new(*state, POINTS CALL LADDER("{'at':0},{'at':10,'grant':[{'currency':'xp','amount':7}]},{'at':20},"
                                             "{'at':30,'grant':[{'currency':'xp','amount':9},{'currency':'points','amount':1}]}",
                                             ",'grant_each':[{'currency':'xp','amount':1}]"));
    const struct outcome *o = world_event(w, "call", NOON, "{'points':30}");
    static const struct {
        int64_t level;
        uint8_t grant;
        int64_t amount;
    } expected[] = {{2, 0, 1}, {2, 1, 7}, {3, 0, 1}, {4, 0, 1}, {4, 1, 9}, {4, 2, 1}};
    assert_int_equal(o->grants.n, 1 + COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_int_equal(grant_at(o, i + 1)->level, expected[i].level);
        assert_int_equal(grant_at(o, i + 1)->grant, expected[i].grant);
        assert_int_equal(grant_at(o, i + 1)->amount, expected[i].amount);
    }
    assert_level(o, 1, 4);
    assert_int_equal(o->denied.n, 0);
}

static void grants_go_round_until_nothing_changes(void **state) { /* SEMANTICS 19: 300 rounds */
    struct world *w =
        world_new(*state, POINTS CALL ",{'kind':'level_ladder','code':'career','currency':'points',"
                                      "'formula':{'to_next':10,'max_level':301},'grant_each':[{'currency':'points','amount':10}]}");
    const struct outcome *o = world_event(w, "call", NOON, "{'points':10}");
    assert_int_equal(o->grants.n, 301);
    assert_level(o, 1, 301);
    assert_int_equal(balance(w, "points"), 3010);
    assert_paid(world_event(w, "call", NOON, "{'points':10}"), 10);
}

static void one_ladder_can_raise_another(void **state) {
    struct world *w = world_new(
        *state, POINTS CALL LADDER(
                    "{'at':0},{'at':10}",
                    ",'grant_each':[{'currency':'xp','amount':5}]") ",{'kind':'level_ladder','code':'a-first','currency':'xp','levels':[{'"
                                                                    "at':0},{'at':5}],'grant_each':[{'currency':'points','amount':3}]}");
    const struct outcome *o = world_event(w, "call", NOON, "{'points':10}");
    assert_int_equal(o->grants.n, 3);
    assert_int_equal(grant_at(o, 1)->amount, 5);
    assert_int_equal(grant_at(o, 2)->amount, 3);
    assert_int_equal(o->levels.n, 2);
    assert_int_equal(balance(w, "points"), 13);
}

static void levels_by_a_formula(void **state) { /* SEMANTICS 20: S0 and MEE6's curve */
    struct world *w =
        world_new(*state, POINTS CALL ",{'kind':'level_ladder','code':'s0','currency':'points','formula':{'to_next':500,'max_level':100}}"
                                      ",{'kind':'level_ladder','code':'mee6','first_level':0,'currency':'xp','formula':{'to_next':"
                                      "{'+':[{'*':[5,{'var':'level'},{'var':'level'}]},{'*':[50,{'var':'level'}]},100]},'max_level':100}}");
    assert_level(world_event(w, "call", NOON, "{'points':5850}"), 1, 12);
    assert_level(world_event(w, "call", NOON, "{'points':150}"), 12, 13);
    assert_int_equal(world_event(w, "quest", NOON, "{'xp':99}")->levels.n, 0);
    assert_level(world_event(w, "quest", NOON, "{'xp':1}"), 0, 1);
    assert_level(world_event(w, "quest", NOON, "{'xp':155}"), 1, 2);
    assert_level(world_event(w, "call", NOON, "{'points':1000000}"), 13, 100);
}

static void positive_adjustments_raise_levels_negative_ones_lower_none(void **state) { /* SEMANTICS 18 */
    struct world *w = world_new(*state, POINTS CALL LADDER("{'at':0},{'at':1000}", EACH));
    const struct outcome *o;
    struct faults faults;
    w->now_ms = at(NOON);
    assert_int_equal(world_adjust(w, "points", 1000, &o, &faults), P_OK);
    assert_int_equal(o->grants.n, 2);
    assert_int_equal(grant_at(o, 1)->amount, 125);
    assert_level(o, 1, 2);
    assert_int_equal(world_adjust(w, "points", -1125, &o, &faults), P_OK);
    assert_int_equal(o->levels.n, 0);
    assert_int_equal(world_event(w, "call", NOON, "{'points':1000}")->levels.n, 0);
    assert_int_equal(balance(w, "points"), 1000);
}

static void a_new_ladder_pays_nothing_to_those_who_qualify(void **state) { /* SEMANTICS 37: none */
    struct world *w = world_new(*state, POINTS CALL);
    world_event(w, "call", NOON, "{'points':1500}");
    world_configure(w, POINTS CALL LADDER("{'at':0},{'at':1000},{'at':2000}", EACH));
    const struct outcome *o = world_event(w, "call", NOON, "{'points':100}");
    assert_paid(o, 100);
    assert_int_equal(o->levels.n, 0);
    o = world_event(w, "call", NOON, "{'points':400}");
    assert_int_equal(o->grants.n, 2); /* only level 3 */
    assert_int_equal(grant_at(o, 1)->level, 3);
    assert_level(o, 2, 3);
}

static void a_changed_ladder_pays_no_level_twice_nor_to_those_who_qualify(void **state) { /* SEMANTICS 19, 37 */
    struct world *w = world_new(*state, POINTS CALL LADDER("{'at':0},{'at':100},{'at':200}", EACH));
    assert_int_equal(world_event(w, "call", NOON, "{'points':100}")->grants.n, 3);                /* 100, then 125 for each of two levels */
    world_configure(w, POINTS CALL LADDER("{'at':0},{'at':1000},{'at':2000},{'at':3000}", EACH)); /* 350: level 1 again */
    const struct outcome *o = world_event(w, "call", NOON, "{'points':2000}");
    assert_level(o, 1, 3);
    assert_int_equal(o->grants.n, 1); /* levels 2 and 3 have been paid */
    o = world_event(w, "call", NOON, "{'points':700}");
    assert_level(o, 3, 4);
    assert_int_equal(grant_at(o, 1)->level, 4);
    world_configure(w, POINTS CALL LADDER("{'at':0},{'at':1},{'at':2},{'at':3},{'at':4},{'at':5},{'at':4000}", EACH)); /* 3175: level 6 */
    assert_paid(world_event(w, "call", NOON, "{'points':1}"), 1);
    o = world_event(w, "call", NOON, "{'points':1000}");
    assert_level(o, 6, 7);
    assert_int_equal(o->grants.n, 2);
}

static void a_grant_that_floors_to_nothing_is_no_entry(void **state) {
    struct world *w = world_new(*state, POINTS CALL LADDER("{'at':0},{'at':10}", ",'grant_each':[{'currency':'xp','amount':1,"
                                                                                 "'factors':[{'multiply':0.5}]}]"));
    const struct outcome *o = world_event(w, "call", NOON, "{'points':10}");
    assert_paid(o, 10);
    assert_level(o, 1, 2);
}

static void at_the_top_nothing_is_left_to_pay(void **state) {
    struct world *w = world_new(*state, POINTS CALL LADDER("{'at':0},{'at':10}", EACH));
    assert_int_equal(world_event(w, "call", NOON, "{'points':1000000}")->grants.n, 2);
    assert_int_equal(world_event(w, "call", NOON, "{'points':1000000}")->grants.n, 1);
}

static void a_late_level_up_counts_on_the_day_of_its_event(void **state) { /* SEMANTICS 21 */
    struct world *w = world_new(*state, POINTS CALL LADDER("{'at':0},{'at':100}", ",'grant_each':[{'currency':'xp','amount':7}]"));
    world_event(w, "quest", "2026-11-21T12:00:00Z", "{'xp':1}");
    world_event(w, "call", "2026-11-21T12:00:00Z", "{'points':50}");
    assert_int_equal(w->needs.periods.n, 0);
    world_event(w, "call", "2026-11-20T12:00:00Z", "{'points':50}");
    assert_int_equal(counter_at(w, COUNTER_EARNED, CODE_CURRENCY, "xp", PERIOD_DAY, "2026-11-20T00:00:00Z"), 7);
    assert_int_equal(counter_at(w, COUNTER_EARNED, CODE_CURRENCY, "xp", PERIOD_DAY, "2026-11-21T00:00:00Z"), 1);
}

static void a_level_out_of_reach_loads_nothing(void **state) {
    struct world *w =
        world_new(*state, POINTS ",{'kind':'rule','code':'call','on':['call'],'grant':[{'currency':'points','amount':10,"
                                 "'factors':[{'multiply':0.5},{'when':{'var':'event.data.x'},'multiply':2,'add':1}]}]}"
                                 ",{'kind':'rule','code':'quest','on':['quest'],'grant':[{'currency':'xp','amount':1}]}" LADDER(
                                     "{'at':0},{'at':100}", ",'grant_each':[{'currency':'xp','amount':7}]"));
    world_event(w, "quest", "2026-11-20T12:00:00Z", NULL);
    for (int i = 0; i < 16; i++) {
        world_event(w, "call", "2026-11-21T12:00:00Z", NULL);
        assert_int_equal(w->needs.periods.n, 0); /* at most 80 + 21 could be reached last */
    }
    const struct outcome *o = world_event(w, "call", "2026-11-21T12:00:00Z", "{'x':1}");
    assert_int_equal(w->needs.periods.n, 1); /* where xp of the day before are moved */
    assert_paid(o, 11);
    world_event(w, "call", "2026-11-21T12:00:00Z", "{'x':1}");
    assert_int_equal(counter_at(w, COUNTER_EARNED, CODE_CURRENCY, "xp", PERIOD_DAY, "2026-11-21T00:00:00Z"), 7);
    assert_int_equal(counter_at(w, COUNTER_EARNED, CODE_CURRENCY, "xp", PERIOD_DAY, "2026-11-20T00:00:00Z"), 1);
}

static void a_chain_of_ladders_loads_what_its_end_may_move(void **state) {
    struct world *w = world_new(
        *state, POINTS CALL LADDER(
                    "{'at':0},{'at':100}",
                    ",'grant_each':[{'currency':'xp','amount':5}]") ",{'kind':'currency','code':'gold'},{'kind':'rule','code':'dig','on':['"
                                                                    "dig'],'grant':[{'currency':'gold','amount':1}]}"
                                                                    ",{'kind':'level_ladder','code':'a-first','currency':'xp','levels':[{'"
                                                                    "at':0},{'at':5}],'grant_each':[{'currency':'gold','amount':3}]}");
    world_event(w, "dig", "2026-11-20T12:00:00Z", NULL);
    world_event(w, "call", "2026-11-20T12:00:00Z", "{'points':1}");
    world_event(w, "call", "2026-11-21T12:00:00Z", "{'points':1}");
    assert_int_equal(world_event(w, "call", "2026-11-21T12:00:00Z", "{'points':98}")->grants.n, 3);
    assert_int_equal(counter_at(w, COUNTER_EARNED, CODE_CURRENCY, "points", PERIOD_DAY, "2026-11-20T00:00:00Z"), 1);
    assert_int_equal(counter_at(w, COUNTER_EARNED, CODE_CURRENCY, "gold", PERIOD_DAY, "2026-11-20T00:00:00Z"), 1);
    assert_int_equal(counter_at(w, COUNTER_EARNED, CODE_CURRENCY, "gold", PERIOD_DAY, "2026-11-21T00:00:00Z"), 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_level_up_pays_125_exactly_once),
        TEST(every_level_crossed_pays_lowest_first),
        TEST(grants_go_round_until_nothing_changes),
        TEST(one_ladder_can_raise_another),
        TEST(levels_by_a_formula),
        TEST(positive_adjustments_raise_levels_negative_ones_lower_none),
        TEST(a_new_ladder_pays_nothing_to_those_who_qualify),
        TEST(a_changed_ladder_pays_no_level_twice_nor_to_those_who_qualify),
        TEST(a_grant_that_floors_to_nothing_is_no_entry),
        TEST(at_the_top_nothing_is_left_to_pay),
        TEST(a_late_level_up_counts_on_the_day_of_its_event),
        TEST(a_level_out_of_reach_loads_nothing),
        TEST(a_chain_of_ladders_loads_what_its_end_may_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
