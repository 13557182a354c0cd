/* Limits and cooldowns (SEMANTICS 13, 14, 16, 35; invariant 4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/settling.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

#define POINTS     "{'kind':'currency','code':'points'}"
#define RULE(more) POINTS ",{'kind':'rule','code':'call','on':['call'],'grant':[{'currency':'points','amount':10}]," more "}"

static void pays(struct world *w, const char *time) { assert_paid(world_event(w, "call", time, NULL), 10); }
static void denies(struct world *w, const char *time, enum reason reason, const char *next_at) {
    assert_denied(world_event(w, "call", time, NULL), reason, next_at);
}

static void each_kind_of_period_has_its_limit(void **state) { /* SEMANTICS 14 */
    static const struct {
        const char *limits, *first, *last, *next;
    } cases[] = {
        {"'limits':[{'count':2,'per':'hour'}]", "2026-11-21T12:00:00Z", "2026-11-21T12:59:59.999Z", "2026-11-21T13:00:00Z"},
        {"'limits':[{'count':2,'per':'day'}]", "2026-11-21T00:00:00Z", "2026-11-21T23:59:59.999Z", "2026-11-22T00:00:00Z"},
        {"'limits':[{'count':2,'per':'week'}]", "2026-11-16T00:00:00Z", "2026-11-22T23:59:59.999Z", "2026-11-23T00:00:00Z"},
        {"'limits':[{'count':2,'per':'month'}]", "2026-11-01T00:00:00Z", "2026-11-30T23:59:59.999Z", "2026-12-01T00:00:00Z"},
        {"'limits':[{'count':2,'per':'day','zone':'Asia/Kolkata'}]", "2026-11-20T18:30:00Z", "2026-11-21T18:29:59.999Z",
         "2026-11-21T18:30:00Z"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world *w = world_new(*state, str_z(*state, str_printf(*state,
                                                                     POINTS ",{'kind':'rule','code':'call','on':['call'],"
                                                                            "'grant':[{'currency':'points','amount':10}],%s}",
                                                                     cases[i].limits)));
        pays(w, cases[i].first);
        pays(w, cases[i].first);
        denies(w, cases[i].last, REASON_LIMIT, cases[i].next);
        assert_int_equal(denial_at(world_event(w, "call", cases[i].last, NULL), 0)->place.in, PLACE_LIMIT);
        pays(w, cases[i].next);
        pays(w, cases[i].next);
        denies(w, cases[i].last, REASON_LIMIT, cases[i].next); /* late, in the closed period */
    }
}

static void ever_has_no_next(void **state) {
    struct world *w = world_new(*state, RULE("'limits':[{'count':1,'per':'ever'}]"));
    pays(w, "2026-11-21T12:00:00Z");
    denies(w, "2030-11-21T12:00:00Z", REASON_LIMIT, NULL);
}

static void of_several_limits_the_longest_says_when(void **state) {
    struct world *w = world_new(*state, RULE("'limits':[{'count':1,'per':'hour'},{'count':2,'per':'week'},{'count':2,'per':'day'}]"));
    pays(w, "2026-11-21T12:00:00Z");
    denies(w, "2026-11-21T12:30:00Z", REASON_LIMIT, "2026-11-21T13:00:00Z");
    pays(w, "2026-11-21T13:00:00Z");
    const struct outcome *o = world_event(w, "call", "2026-11-21T13:30:00Z", NULL);
    assert_denied(o, REASON_LIMIT, "2026-11-23T00:00:00Z");
    assert_int_equal(denial_at(o, 0)->place.index, 1);
}

static void only_paid_events_are_counted(void **state) {
    struct world *w = world_new(*state, RULE("'when':{'var':'event.data.good'},'limits':[{'count':1,'per':'day'}]"));
    assert_denied(world_event(w, "call", "2026-11-21T12:00:00Z", "{'good':false}"), REASON_CONDITION, NULL);
    assert_paid(world_event(w, "call", "2026-11-21T12:00:00Z", "{'good':true}"), 10);
    assert_denied(world_event(w, "call", "2026-11-21T12:00:00Z", "{'good':true}"), REASON_LIMIT, "2026-11-22T00:00:00Z");
    assert_denied(world_event(w, "call", "2026-11-21T12:00:00Z", "{'good':false}"), REASON_CONDITION, NULL);
}

static void the_first_of_the_day(void **state) { /* SEMANTICS 16 */
    struct world *w = world_new(*state, POINTS ",{'kind':'rule','code':'call','on':['call'],'grant':[{'currency':'points','amount':10}]}"
                                               ",{'kind':'rule','code':'first','priority':1,'on':['call'],'limits':[{'count':1,'per':'day'}"
                                               "],'grant':[{'currency':'points','amount':5}]}");
    const struct outcome *o = world_event(w, "call", "2026-11-21T08:00:00Z", NULL);
    assert_int_equal(grant_at(o, 0)->amount, 5);
    assert_int_equal(grant_at(o, 1)->amount, 10);
    assert_int_equal(world_event(w, "call", "2026-11-21T09:00:00Z", NULL)->grants.n, 1);
    assert_int_equal(world_event(w, "call", "2026-11-22T08:00:00Z", NULL)->grants.n, 2);
    assert_int_equal(balance(w, "points"), 40);
}

static void a_day_across_a_clock_change(void **state) { /* SEMANTICS 35: Berlin loses an hour on 2026-03-29 */
    struct world *w = world_new(*state, "{'kind':'settings','zone':'Europe/Berlin'}," RULE("'limits':[{'count':1,'per':'day'}]"));
    pays(w, "2026-03-28T23:00:00Z");
    denies(w, "2026-03-29T21:59:59.999Z", REASON_LIMIT, "2026-03-29T22:00:00Z"); /* 23 hours */
    pays(w, "2026-03-29T22:00:00Z");
    pays(w, "2026-10-24T22:00:00Z");
    denies(w, "2026-10-25T22:59:59.999Z", REASON_LIMIT, "2026-10-25T23:00:00Z"); /* 25 hours */
    pays(w, "2026-10-25T23:00:00Z");
}

static void
an_hour_that_comes_twice(void **state) { /* 02:00 to 03:00 in Berlin on 2026-10-25, as one hour of the clock or as two: never more */
    struct world *w = world_new(*state, "{'kind':'settings','zone':'Europe/Berlin'}," RULE("'limits':[{'count':1,'per':'hour'}]"));
    pays(w, "2026-10-25T00:30:00Z");
    pays(w, "2026-10-25T02:00:00Z");
    denies(w, "2026-10-25T02:59:59Z", REASON_LIMIT, "2026-10-25T03:00:00Z");
}

static void exactly_the_cooldown_passes(void **state) { /* SEMANTICS 13 */
    struct world *w = world_new(*state, RULE("'cooldown_s':60"));
    pays(w, "2026-11-21T12:00:00Z");
    denies(w, "2026-11-21T12:00:00Z", REASON_COOLDOWN, "2026-11-21T12:01:00Z");
    denies(w, "2026-11-21T12:00:59.999Z", REASON_COOLDOWN, "2026-11-21T12:01:00Z"); /* a denied event starts none */
    pays(w, "2026-11-21T12:01:00Z");
    assert_int_equal(w->payments.n, 2);
}

static void the_cooldown_holds_on_both_sides(void **state) { /* SEMANTICS 13, on event time; late events see older payments */
    struct world *w = world_new(*state, RULE("'cooldown_s':60"));
    pays(w, "2026-11-21T12:00:00Z");
    pays(w, "2026-11-21T12:10:00Z");
    denies(w, "2026-11-21T12:09:00.001Z", REASON_COOLDOWN, "2026-11-21T12:11:00Z");
    assert_int_equal(w->needs.payments.n, 0); /* the row's own denies */
    pays(w, "2026-11-21T12:09:00Z");
    assert_int_equal(w->needs.payments.n, 1);
    denies(w, "2026-11-21T12:00:59Z", REASON_COOLDOWN, "2026-11-21T12:01:00Z"); /* not the row's, but an earlier one */
    denies(w, "2026-11-21T11:59:00.001Z", REASON_COOLDOWN, "2026-11-21T12:01:00Z");
    pays(w, "2026-11-21T11:59:00Z");
    denies(w, "2026-11-21T12:08:30Z", REASON_COOLDOWN, "2026-11-21T12:10:00Z");
    pays(w, "2026-11-21T12:11:00Z"); /* the row still knows the latest */
    assert_int_equal(w->payments.n, 5);
}

static void within_a_set_no_payment_is_forgotten(void **state) {
    struct world *w = world_new(*state, RULE("'cooldown_s':60"));
    pays(w, "2026-11-21T12:00:00Z");
    static const struct told set[] = {
        {"call", "2026-11-21T12:10:00Z", NULL}, /* takes the place of 12:00:00 in the row */
        {"call", "2026-11-21T12:00:30Z", NULL}, /* too close to that */
        {"call", "2026-11-21T12:09:30Z", NULL}, {"call", "2026-11-21T12:05:00Z", NULL},
        {"call", "2026-11-21T12:05:30Z", NULL}, {"call", "2026-11-21T11:59:30Z", NULL},
    };
    const struct outcome **o = world_set(w, set, COUNT(set));
    assert_paid(o[0], 10);
    assert_denied(o[1], REASON_COOLDOWN, "2026-11-21T12:01:00Z");
    assert_denied(o[2], REASON_COOLDOWN, "2026-11-21T12:11:00Z");
    assert_paid(o[3], 10);
    assert_denied(o[4], REASON_COOLDOWN, "2026-11-21T12:06:00Z");
    assert_denied(o[5], REASON_COOLDOWN, "2026-11-21T12:01:00Z");
    assert_int_equal(w->payments.n, 3); /* each paid event once */
}

static void limit_comes_before_cooldown_before_the_amount(void **state) { /* DESIGN 5 */
    struct world *w =
        world_new(*state, POINTS ",{'kind':'rule','code':'call','on':['call'],'cooldown_s':60,'limits':[{'count':1,'per':'hour'}],"
                                 "'grant':[{'currency':'points','amount':{'var':'event.data.n'}}]}");
    assert_paid(world_event(w, "call", "2026-11-21T12:59:30Z", "{'n':1}"), 1);
    assert_denied(world_event(w, "call", "2026-11-21T12:59:40Z", "{'n':'x'}"), REASON_LIMIT, "2026-11-21T13:00:00Z");
    assert_denied(world_event(w, "call", "2026-11-21T13:00:00Z", "{'n':'x'}"), REASON_COOLDOWN, "2026-11-21T13:00:30Z");
    assert_denied(world_event(w, "call", "2026-11-21T13:00:30Z", "{'n':'x'}"), REASON_EXPRESSION, NULL);
}

static void each_rule_has_its_own(void **state) {
    struct world *w = world_new(
        *state, RULE("'cooldown_s':60,'limits':[{'count':2,'per':'day'}]") ",{'kind':'rule','code':'other','on':['other','call'],'cooldown_"
                                                                           "s':10,'grant':[{'currency':'points','amount':1}]}");
    assert_int_equal(world_event(w, "call", "2026-11-21T12:00:00Z", NULL)->grants.n, 2);
    assert_paid(world_event(w, "other", "2026-11-21T12:00:10Z", NULL), 1);
    const struct outcome *o = world_event(w, "call", "2026-11-21T12:00:20Z", NULL);
    assert_int_equal(grant_at(o, 0)->cause_no, number(w, CODE_RULE, "other"));
    assert_int_equal(denial_at(o, 0)->reason, REASON_COOLDOWN);
}

#define LOOKING(code)                                                                                                                      \
    ",{'kind':'rule','code':'" code "','on':['call'],'limits':[{'count':9,'per':'day'}],"                                                  \
    "'grant':[{'currency':'points','amount':1}],'when':"

/* Conditions that look at each item of a list: of 1,000 items, 33 that take 3,002 steps each, one that takes 1,020, many of them at once,
 * and a cheap one. */
static const char *looking_rules(struct arena *a) {
    struct buf b = buf_new(a, 64 * 1024);
    buf_z(&b, POINTS);
    for (int i = 0; i < 33; i++) {
        buf_f(&b, LOOKING("r%02d"), i);
        buf_z(&b, "{'all':[{'var':'event.data.l'},{'>':[{'var':''},0]}]}}");
    }
    buf_f(&b, LOOKING("s%d"), 1);
    buf_z(&b, "{'!':[{'or':[0");
    for (int i = 0; i < 8; i++) buf_z(&b, ",{'in':[2,{'var':'event.data.l'}]}");
    buf_z(&b, "]}]}}");
    buf_f(&b, LOOKING("z%d"), 1);
    buf_z(&b, "{'==':[{'var':'event.data.n'},1]}}");
    return str_z(a, buf_str(&b));
}

static const char *list_of_ones(struct arena *a, int n) {
    struct buf b = buf_new(a, 16 * 1024);
    buf_z(&b, "{'n':1,'l':[1");
    for (int i = 1; i < n; i++) buf_z(&b, ",1");
    buf_z(&b, "]}");
    return str_z(a, buf_str(&b));
}

/* MECHANICS 4: others of the set wait for an event, so what all its expressions take is bounded. The first rule that has not enough left is
 * denied, and so is each after it, cheap or not; what was loaded (a late event needs closed periods where a rule may pay) makes no
 * difference. */
static void the_steps_of_an_event_are_bounded(void **state) {
    struct world *w[2];
    for (size_t k = 0; k < 2; k++) {
        w[k] = world_new(*state, looking_rules(*state));
        w[k]->load_all = k == 1;
        const char *few = list_of_ones(*state, 1);
        assert_int_equal(world_event(w[k], "call", "2026-11-22T12:00:00Z", few)->grants.n, 35);
        struct told set[] = {{"call", "2026-11-21T12:00:00Z", list_of_ones(*state, 1000)}, {"call", "2026-11-22T12:00:00Z", few}};
        const struct outcome **o = world_set(w[k], set, 2);
        assert_int_equal(o[0]->grants.n, 33);
        assert_int_equal(o[0]->denied.n, 2);
        for (size_t i = 0; i < 2; i++) assert_int_equal(denial_at(o[0], i)->reason, REASON_EXPRESSION);
        assert_int_equal(denial_at(o[0], 1)->rule, number(w[k], CODE_RULE, "z1"));
        assert_int_equal(o[1]->grants.n, 35); /* each event has its own */
        assert_int_equal(balance(w[k], "points"), 35 + 33 + 35);
    }
    assert_true(str_eq(state_bytes(w[0]), state_bytes(w[1])));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_kind_of_period_has_its_limit),
        TEST(ever_has_no_next),
        TEST(of_several_limits_the_longest_says_when),
        TEST(only_paid_events_are_counted),
        TEST(the_first_of_the_day),
        TEST(a_day_across_a_clock_change),
        TEST(an_hour_that_comes_twice),
        TEST(exactly_the_cooldown_passes),
        TEST(the_cooldown_holds_on_both_sides),
        TEST(within_a_set_no_payment_is_forgotten),
        TEST(limit_comes_before_cooldown_before_the_amount),
        TEST(each_rule_has_its_own),
        TEST(the_steps_of_an_event_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
