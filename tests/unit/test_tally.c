/* Numbers counted twice and compared by `verify` (invariant 10): service/verify/counters.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "service/verify/verifying.h"

static struct arena *arena;
static struct tally tally;

static int open_tally(void **state) {
    (void)state;
    arena = arena_new();
    tally = (struct tally){.a = arena};
    return 0;
}
static int close_tally(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

static void assert_item(size_t i, enum counter_kind what, uint16_t no, enum period_kind kind, int64_t start, int64_t value) {
    assert_true(i < tally.items.n);
    const struct counter *c = &tally.items.items[i];
    assert_int_equal(c->what, what);
    assert_int_equal(c->no, no);
    assert_int_equal(c->kind, kind);
    assert_int_equal(c->start, start);
    assert_int_equal(c->value, value);
}

static void metrics_are_summed_by_period(void **state) {
    (void)state;
    tally_add(&tally, COUNTER_METRIC, 2, PERIOD_DAY, 86400000, 5);
    tally_add(&tally, COUNTER_METRIC, 1, PERIOD_DAY, 86400000, 1);
    tally_add(&tally, COUNTER_METRIC, 2, PERIOD_DAY, 0, 3);
    tally_add(&tally, COUNTER_METRIC, 2, PERIOD_DAY, 86400000, 7);
    tally_add(&tally, COUNTER_METRIC, 2, PERIOD_EVER, 0, 12);
    tally_merge(&tally);
    assert_int_equal(tally.items.n, 4);
    assert_item(0, COUNTER_METRIC, 1, PERIOD_DAY, 86400000, 1);
    assert_item(1, COUNTER_METRIC, 2, PERIOD_EVER, 0, 12);
    assert_item(2, COUNTER_METRIC, 2, PERIOD_DAY, 0, 3);
    assert_item(3, COUNTER_METRIC, 2, PERIOD_DAY, 86400000, 12);
}

static void the_rest_is_summed_over_all_periods_of_a_kind(void **state) {
    (void)state;
    tally_add(&tally, COUNTER_CAP, 1, PERIOD_DAY, 86400000, 5);
    tally_add(&tally, COUNTER_CAP, 1, PERIOD_DAY, 0, 6);
    tally_add(&tally, COUNTER_LIMIT, 1, PERIOD_DAY, 86400000, 1);
    tally_add(&tally, COUNTER_LIMIT, 1, PERIOD_WEEK, 86400000, 1);
    tally_merge(&tally);
    assert_int_equal(tally.items.n, 3);
    assert_item(0, COUNTER_CAP, 1, PERIOD_DAY, 0, 11);
    assert_item(1, COUNTER_LIMIT, 1, PERIOD_DAY, 0, 1);
    assert_item(2, COUNTER_LIMIT, 1, PERIOD_WEEK, 0, 1);
}

static void of_a_cooldown_the_latest_counts(void **state) {
    (void)state;
    tally_add(&tally, COUNTER_COOLDOWN, 1, PERIOD_EVER, 0, 5);
    tally_add(&tally, COUNTER_COOLDOWN, 1, PERIOD_EVER, 0, 9);
    tally_add(&tally, COUNTER_COOLDOWN, 1, PERIOD_EVER, 0, 7);
    tally_merge(&tally);
    assert_int_equal(tally.items.n, 1);
    assert_item(0, COUNTER_COOLDOWN, 1, PERIOD_EVER, 0, 9);
}

static void damaged_numbers_do_not_overflow(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) tally_add(&tally, COUNTER_EARNED, 1, PERIOD_DAY, 0, INT64_MAX);
    for (int i = 0; i < 3; i++) tally_add(&tally, COUNTER_EARNED, 2, PERIOD_DAY, 0, INT64_MIN);
    tally_merge(&tally);
    assert_item(0, COUNTER_EARNED, 1, PERIOD_DAY, 0, INT64_MAX);
    assert_item(1, COUNTER_EARNED, 2, PERIOD_DAY, 0, INT64_MIN);
}

static void a_long_history_takes_no_more_room_than_its_keys(void **state) {
    (void)state;
    for (int i = 0; i < 1000000; i++) tally_add(&tally, COUNTER_METRIC, (uint16_t)(1 + i % 10), PERIOD_EVER, 0, 1);
    assert_true(tally.items.cap <= 8192);
    tally_merge(&tally);
    assert_int_equal(tally.items.n, 10);
    assert_item(9, COUNTER_METRIC, 10, PERIOD_EVER, 0, 100000);
}

static void nothing_is_nothing(void **state) {
    (void)state;
    tally_merge(&tally);
    assert_int_equal(tally.items.n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(metrics_are_summed_by_period, open_tally, close_tally),
        cmocka_unit_test_setup_teardown(the_rest_is_summed_over_all_periods_of_a_kind, open_tally, close_tally),
        cmocka_unit_test_setup_teardown(of_a_cooldown_the_latest_counts, open_tally, close_tally),
        cmocka_unit_test_setup_teardown(damaged_numbers_do_not_overflow, open_tally, close_tally),
        cmocka_unit_test_setup_teardown(a_long_history_takes_no_more_room_than_its_keys, open_tally, close_tally),
        cmocka_unit_test_setup_teardown(nothing_is_nothing, open_tally, close_tally),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
