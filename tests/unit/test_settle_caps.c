/* Daily caps and what several grants of a rule say (SEMANTICS 10, 15, 35; invariant 4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/settling.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

#define CAPPED             "{'kind':'currency','code':'points','daily_cap':{'amount':500,'plus_per_level':50,'ladder':'career'}}"
#define CAREER             "{'kind':'level_ladder','code':'career','currency':'points','levels':[{'at':0},{'at':500},{'at':1050}]}"
#define RULE(code, amount) "{'kind':'rule','code':'" code "','on':['" code "'],'grant':[{'currency':'points','amount':" amount "}]}"

static void assert_cap(const struct cap_figures *cap, int64_t amount, int64_t used, const char *resets_at) {
    assert_int_equal(cap->amount, amount);
    assert_int_equal(cap->used, used);
    assert_int_equal(cap->resets_at, at(resets_at));
}

static void a_cap_pays_in_part_and_grows_with_the_level(void **state) {
    struct world *w = world_new(*state, CAPPED "," CAREER "," RULE("call", "120"));
    for (int i = 0; i < 4; i++) assert_paid(world_event(w, "call", "2026-11-21T12:00:00Z", NULL), 120);
    const struct outcome *o = world_event(w, "call", "2026-11-21T13:00:00Z", NULL);
    assert_paid(o, 20);
    assert_int_equal(grant_at(o, 0)->uncapped, 120);
    assert_true(grant_at(o, 0)->capped);
    assert_cap(&grant_at(o, 0)->cap, 500, 500, "2026-11-22T00:00:00Z"); /* the level as before the event */
    assert_int_equal(o->levels.items[0].to, 2);
    o = world_event(w, "call", "2026-11-21T14:00:00Z", NULL);
    assert_paid(o, 50); /* level 2 now: 550 */
    assert_cap(&grant_at(o, 0)->cap, 550, 550, "2026-11-22T00:00:00Z");
    o = world_event(w, "call", "2026-11-21T15:00:00Z", NULL);
    assert_denied(o, REASON_CAPPED, "2026-11-22T00:00:00Z");
    assert_cap(&denial_at(o, 0)->cap, 550, 550, "2026-11-22T00:00:00Z");
    assert_int_equal(o->entries.n, 0);
    for (int i = 0; i < 4; i++) assert_paid(world_event(w, "call", "2026-11-22T00:00:00Z", NULL), 120);
    o = world_event(w, "call", "2026-11-22T23:59:59.999Z", NULL);
    assert_paid(o, 70);
    assert_cap(&grant_at(o, 0)->cap, 550, 550, "2026-11-23T00:00:00Z");
    assert_int_equal(balance(w, "points"), 1100);
}

static void what_just_fits_is_not_capped(void **state) {
    struct world *w = world_new(*state, CAPPED "," CAREER "," RULE("call", "500"));
    const struct outcome *o = world_event(w, "call", "2026-11-21T12:00:00Z", NULL);
    assert_paid(o, 500);
    assert_false(grant_at(o, 0)->capped);
}

static void a_wholly_capped_rule_uses_no_limit_and_starts_no_cooldown(void **state) {
    struct world *w = world_new(
        *state, "{'kind':'currency','code':'points','daily_cap':{'amount':100}}," RULE(
                    "big", "100") ",{'kind':'rule','code':'call','on':['call'],'cooldown_s':3600,'limits':[{'count':1,'per':'month'}],"
                                  "'count':[{'metric':'calls','by':1}],'grant':[{'currency':'points','amount':10}]}");
    assert_paid(world_event(w, "big", "2026-11-21T12:00:00Z", NULL), 100);
    assert_denied(world_event(w, "call", "2026-11-21T23:59:59Z", NULL), REASON_CAPPED, "2026-11-22T00:00:00Z");
    assert_paid(world_event(w, "call", "2026-11-22T00:00:00Z", NULL), 10);
    assert_int_equal(metric(w, "calls", PERIOD_EVER, "2026-11-22T00:00:00Z"), 2000); /* SEMANTICS 12 */
    assert_int_equal(w->payments.n, 1);
}

static void later_rules_of_an_event_see_what_earlier_ones_used(void **state) { /* SEMANTICS 10 */
    struct world *w = world_new(*state, "{'kind':'currency','code':'points','daily_cap':{'amount':100}}"
                                        ",{'kind':'rule','code':'a','on':['call'],'grant':[{'currency':'points','amount':70}]}"
                                        ",{'kind':'rule','code':'b','on':['call'],'grant':[{'currency':'points','amount':70}]}"
                                        ",{'kind':'rule','code':'c','on':['call'],'grant':[{'currency':'points','amount':70}]}");
    const struct outcome *o = world_event(w, "call", "2026-11-21T12:00:00Z", NULL);
    assert_int_equal(o->grants.n, 2);
    assert_int_equal(grant_at(o, 0)->amount, 70);
    assert_int_equal(grant_at(o, 1)->amount, 30);
    assert_cap(&grant_at(o, 1)->cap, 100, 100, "2026-11-22T00:00:00Z");
    assert_int_equal(denial_at(o, 0)->rule, number(w, CODE_RULE, "c"));
    assert_int_equal(denial_at(o, 0)->reason, REASON_CAPPED);
}

static void the_level_of_a_cap_is_that_before_the_event(void **state) { /* SEMANTICS 15, also where an earlier rule raised it */
    struct world *w =
        world_new(*state, "{'kind':'currency','code':'points','daily_cap':{'amount':100,'plus_per_level':50,'ladder':'career'}}"
                          ",{'kind':'level_ladder','code':'career','currency':'points','levels':[{'at':0},{'at':60}]}"
                          ",{'kind':'rule','code':'a','on':['call'],'grant':[{'currency':'points','amount':70}]}"
                          ",{'kind':'rule','code':'b','on':['call'],'grant':[{'currency':'points','amount':70}]}");
    const struct outcome *o = world_event(w, "call", "2026-11-21T12:00:00Z", NULL);
    assert_int_equal(grant_at(o, 1)->amount, 30);
    assert_cap(&grant_at(o, 1)->cap, 100, 100, "2026-11-22T00:00:00Z");
    o = world_event(w, "call", "2026-11-21T12:00:00Z", NULL);
    assert_int_equal(grant_at(o, 0)->amount, 50);
    assert_cap(&grant_at(o, 0)->cap, 150, 150, "2026-11-22T00:00:00Z");
}

static void the_day_is_that_of_the_event_in_the_caps_zone(void **state) { /* SEMANTICS 15, 35 */
    struct world *w = world_new(
        *state, "{'kind':'settings','zone':'Europe/Berlin'}"
                ",{'kind':'currency','code':'points','daily_cap':{'amount':100}}"
                ",{'kind':'currency','code':'xp','daily_cap':{'amount':100,'zone':'America/New_York'}}"
                ",{'kind':'currency','code':'gems','daily_cap':{'amount':100,'zone':'member'}}"
                ",{'kind':'rule','code':'call','on':['call'],'grant':[{'currency':'points','amount':100},{'currency':'xp','amount':100},"
                "{'currency':'gems','amount':100}]}");
    w->zone = "Asia/Tokyo";
    assert_int_equal(world_event(w, "call", "2026-11-21T12:00:00Z", NULL)->grants.n, 3);
    assert_denied(world_event(w, "call", "2026-11-21T14:59:59.999Z", NULL), REASON_CAPPED, "2026-11-21T23:00:00Z"); /* the first says it */
    const struct outcome *o = world_event(w, "call", "2026-11-21T15:00:00Z", NULL);                                 /* midnight in Tokyo */
    assert_int_equal(o->grants.n, 1);
    assert_int_equal(grant_at(o, 0)->currency, number(w, CODE_CURRENCY, "gems"));
    assert_int_equal(o->denied.n, 2);
    assert_int_equal(denial_at(o, 0)->currency, number(w, CODE_CURRENCY, "points"));
    assert_cap(&denial_at(o, 0)->cap, 100, 100, "2026-11-21T23:00:00Z");
    assert_int_equal(denial_at(o, 1)->currency, number(w, CODE_CURRENCY, "xp"));
    assert_cap(&denial_at(o, 1)->cap, 100, 100, "2026-11-22T05:00:00Z");
    o = world_event(w, "call", "2026-11-21T23:00:00Z", NULL); /* midnight in Berlin */
    assert_int_equal(o->grants.n, 1);
    assert_int_equal(grant_at(o, 0)->currency, number(w, CODE_CURRENCY, "points"));
    o = world_event(w, "call", "2026-11-22T05:00:00Z", NULL); /* midnight in New York */
    assert_int_equal(o->grants.n, 1);
    assert_int_equal(grant_at(o, 0)->currency, number(w, CODE_CURRENCY, "xp"));
}

static void a_day_of_25_hours_is_one_day(void **state) { /* SEMANTICS 35: Berlin, 2026-10-25 */
    struct world *w = world_new(*state, "{'kind':'settings','zone':'Europe/Berlin'},"
                                        "{'kind':'currency','code':'points','daily_cap':{'amount':150}}," RULE("call", "100"));
    assert_paid(world_event(w, "call", "2026-10-24T22:00:00Z", NULL), 100); /* its first moment */
    const struct outcome *o = world_event(w, "call", "2026-10-25T22:59:59.999Z", NULL);
    assert_paid(o, 50);
    assert_cap(&grant_at(o, 0)->cap, 150, 150, "2026-10-25T23:00:00Z");
    assert_int_equal(o->day_start, at("2026-10-24T22:00:00Z"));
    assert_paid(world_event(w, "call", "2026-10-25T23:00:00Z", NULL), 100);
    assert_int_equal(counter_at(w, COUNTER_EARNED, CODE_CURRENCY, "points", PERIOD_DAY, "2026-10-24T22:00:00Z"), 150);
}

static void a_late_event_counts_in_its_own_day(void **state) { /* SEMANTICS 15: day of the event's time */
    struct world *w = world_new(*state, "{'kind':'currency','code':'points','daily_cap':{'amount':100}}," RULE("call", "60"));
    assert_paid(world_event(w, "call", "2026-11-20T12:00:00Z", NULL), 60);
    assert_paid(world_event(w, "call", "2026-11-21T12:00:00Z", NULL), 60);
    assert_paid(world_event(w, "call", "2026-11-20T13:00:00Z", NULL), 40);
    assert_denied(world_event(w, "call", "2026-11-20T14:00:00Z", NULL), REASON_CAPPED, "2026-11-21T00:00:00Z");
    assert_paid(world_event(w, "call", "2026-11-19T12:00:00Z", NULL), 60);
    assert_paid(world_event(w, "call", "2026-11-21T13:00:00Z", NULL), 40);
    assert_int_equal(counter_at(w, COUNTER_EARNED, CODE_CURRENCY, "points", PERIOD_DAY, "2026-11-20T00:00:00Z"), 100);
    assert_int_equal(counter_at(w, COUNTER_EARNED, CODE_CURRENCY, "points", PERIOD_DAY, "2026-11-19T00:00:00Z"), 60);
    assert_int_equal(counter_at(w, COUNTER_EARNED, CODE_CURRENCY, "points", PERIOD_DAY, "2026-11-21T00:00:00Z"), 100);
}

static void level_grants_and_adjustments_are_outside_the_cap(void **state) { /* SEMANTICS 15 */
    struct world *w = world_new(*state, "{'kind':'currency','code':'points','daily_cap':{'amount':100}}"
                                        ",{'kind':'level_ladder','code':'career','currency':'points','levels':[{'at':0},{'at':50}],"
                                        "'grant_each':[{'currency':'points','amount':1000}]}," RULE("call", "60"));
    const struct outcome *o = world_event(w, "call", "2026-11-21T12:00:00Z", NULL);
    struct faults faults;
    assert_int_equal(o->grants.n, 2);
    assert_int_equal(world_adjust(w, "points", 500, &o, &faults), P_OK);
    assert_int_equal(counter_at(w, COUNTER_CAP, CODE_CURRENCY, "points", PERIOD_DAY, "2026-11-21T00:00:00Z"), 60);
    assert_int_equal(counter_at(w, COUNTER_EARNED, CODE_CURRENCY, "points", PERIOD_DAY, "2026-11-21T00:00:00Z"), 1060); /* SEMANTICS 21 */
    assert_paid(world_event(w, "call", "2026-11-21T12:00:00Z", NULL), 40);
}

static void a_lower_cap_takes_nothing_back(void **state) {
    struct world *w = world_new(*state, "{'kind':'currency','code':'points','daily_cap':{'amount':100}}," RULE("call", "60"));
    assert_paid(world_event(w, "call", "2026-11-21T12:00:00Z", NULL), 60);
    world_configure(w, "{'kind':'currency','code':'points','daily_cap':{'amount':50}}," RULE("call", "60"));
    const struct outcome *o = world_event(w, "call", "2026-11-21T12:00:00Z", NULL);
    assert_denied(o, REASON_CAPPED, "2026-11-22T00:00:00Z");
    assert_cap(&denial_at(o, 0)->cap, 50, 60, "2026-11-22T00:00:00Z");
    assert_int_equal(balance(w, "points"), 60);
}

static void of_several_grants_each_refused_one_says_why(void **state) { /* SEMANTICS 10, 15 */
    struct world *w = world_new(
        *state,
        "{'kind':'currency','code':'points','daily_cap':{'amount':10}},{'kind':'currency','code':'xp'}"
        ",{'kind':'rule','code':'call','on':['call'],'limits':[{'count':2,'per':'ever'}],'grant':[{'currency':'points','amount':10},"
        "{'currency':'xp','amount':{'var':'event.data.xp'}}]}");
    const struct outcome *o = world_event(w, "call", "2026-11-21T12:00:00Z", "{'xp':0}");
    assert_int_equal(o->grants.n, 1);
    assert_int_equal(denial_at(o, 0)->reason, REASON_ZERO);
    assert_int_equal(denial_at(o, 0)->currency, number(w, CODE_CURRENCY, "xp"));
    o = world_event(w, "call", "2026-11-21T12:00:00Z", "{'xp':0}"); /* nothing was paid: one denial for the whole rule */
    assert_denied(o, REASON_CAPPED, "2026-11-22T00:00:00Z");
    assert_int_equal(denial_at(o, 0)->currency, 0);
    o = world_event(w, "call", "2026-11-21T12:00:00Z", "{'xp':5}");
    assert_int_equal(grant_at(o, 0)->amount, 5);
    assert_int_equal(grant_at(o, 0)->grant, 1);
    assert_int_equal(denial_at(o, 0)->reason, REASON_CAPPED);
    assert_int_equal(denial_at(o, 0)->currency, number(w, CODE_CURRENCY, "points"));
    assert_denied(world_event(w, "call", "2026-11-21T12:00:00Z", "{'xp':5}"), REASON_LIMIT, NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_cap_pays_in_part_and_grows_with_the_level),
        TEST(what_just_fits_is_not_capped),
        TEST(a_wholly_capped_rule_uses_no_limit_and_starts_no_cooldown),
        TEST(later_rules_of_an_event_see_what_earlier_ones_used),
        TEST(the_level_of_a_cap_is_that_before_the_event),
        TEST(the_day_is_that_of_the_event_in_the_caps_zone),
        TEST(a_day_of_25_hours_is_one_day),
        TEST(a_late_event_counts_in_its_own_day),
        TEST(level_grants_and_adjustments_are_outside_the_cap),
        TEST(a_lower_cap_takes_nothing_back),
        TEST(of_several_grants_each_refused_one_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
