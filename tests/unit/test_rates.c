/* Rate limits (M6): the arithmetic, and the table that workers share. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "shm/rates.h"

#define S  INT64_C(1000000000)
#define MS INT64_C(1000000)

/* ---- the arithmetic ---- */

static void test_an_allowance_and_how_it_comes_back(void **state) {
    (void)state;
    struct gcra limit = gcra_of(3, 60000);
    int64_t now = 1000 * S;
    assert_int_equal(limit.interval_ns, 20 * S);
    struct gcra_answer a = gcra_ask(limit, 0, now, 1);
    assert_true(a.passes);
    assert_int_equal(a.moment, now + 20 * S);
    assert_int_equal(a.remaining, 2);
    assert_int_equal(a.full_ns, 20 * S);
    assert_int_equal(a.wait_ns, 0);
    a = gcra_ask(limit, a.moment, now, 1);
    a = gcra_ask(limit, a.moment, now, 1);
    assert_true(a.passes);
    assert_int_equal(a.remaining, 0);
    assert_int_equal(a.full_ns, 60 * S);
    struct gcra_answer refused = gcra_ask(limit, a.moment, now, 1);
    assert_false(refused.passes);
    assert_int_equal(refused.moment, a.moment); /* a refusal costs nothing */
    assert_int_equal(refused.wait_ns, 20 * S);
    assert_int_equal(refused.remaining, 0);
    refused = gcra_ask(limit, a.moment, now + 20 * S - 1, 1);
    assert_false(refused.passes);
    assert_int_equal(refused.wait_ns, 1);
    a = gcra_ask(limit, a.moment, now + 20 * S, 1);
    assert_true(a.passes); /* to the nanosecond */
    assert_int_equal(a.remaining, 0);
    a = gcra_ask(limit, a.moment, now + 1000 * S, 1);
    assert_int_equal(a.remaining, 2); /* it grows to the whole allowance and no further */
}

static void test_never_more_than_the_allowance_and_what_came_back(void **state) {
    (void)state;
    struct gcra limit = gcra_of(7, 1000); /* no whole number of nanoseconds */
    int64_t moment = 0, passed = 0;
    assert_int_equal(limit.interval_ns, 142857142);
    for (int64_t now = 5 * S; now < 15 * S; now += 3 * MS) {
        struct gcra_answer a = gcra_ask(limit, moment, now, 1);
        moment = a.moment;
        passed += a.passes;
    }
    assert_int_equal(passed, 7 + 69); /* 69.99 came back in the 9.999 s between the first and the last question */
}

static void test_arrays_cost_their_items(void **state) {
    (void)state;
    struct gcra limit = gcra_of(100, 10000);
    int64_t now = 50 * S;
    struct gcra_answer a = gcra_ask(limit, 0, now, 60);
    assert_true(a.passes);
    assert_int_equal(a.remaining, 40);
    struct gcra_answer refused = gcra_ask(limit, a.moment, now, 41);
    assert_false(refused.passes);
    assert_int_equal(refused.wait_ns, 100 * MS);
    assert_int_equal(refused.remaining, 40);
    assert_true(gcra_ask(limit, a.moment, now, 40).passes);
}

static void test_what_costs_more_than_all_passes_when_all_is_there_and_is_paid(void **state) {
    (void)state;
    struct gcra limit = gcra_of(100, 10000);
    int64_t now = 50 * S;
    struct gcra_answer a = gcra_ask(limit, 0, now, 1000);
    assert_true(a.passes);
    assert_int_equal(a.full_ns, 100 * S);
    assert_int_equal(a.remaining, 0);
    struct gcra_answer refused = gcra_ask(limit, a.moment, now, 1);
    assert_false(refused.passes);
    assert_int_equal(refused.wait_ns, 90 * S + 100 * MS);
    refused = gcra_ask(limit, gcra_ask(limit, 0, now, 1).moment, now, 1000);
    assert_false(refused.passes);
    assert_int_equal(refused.wait_ns, 100 * MS);
}

static void test_a_clock_that_goes_back(void **state) {
    (void)state;
    struct gcra limit = gcra_of(2, 2000);
    int64_t now = 10000 * S, moment = gcra_ask(limit, 0, now, 1).moment;
    /* a little: the time is waited for once more */
    struct gcra_answer a = gcra_ask(limit, moment, now - S, 1);
    assert_false(a.passes);
    assert_int_equal(a.wait_ns, S);
    assert_true(gcra_ask(limit, moment, now, 1).passes);
    /* to where even the greatest debt could not explain the moment: it is passed over, and nobody is shut out for hours */
    assert_false(gcra_ask(limit, moment, moment - 1002 * S, 1).passes);
    a = gcra_ask(limit, moment, moment - 1002 * S - 1, 1);
    assert_true(a.passes);
    assert_int_equal(a.remaining, 1);
}

static void test_the_bounds_do_not_overflow(void **state) {
    (void)state;
    struct gcra slow = gcra_of(1, GCRA_PERIOD_MS_MAX), fast = gcra_of(GCRA_COUNT_MAX, 1);
    int64_t late = INT64_C(100) * 366 * 86400 * S; /* a century after the machine was started */
    struct gcra_answer a = gcra_ask(slow, 0, late, GCRA_COST_MAX);
    assert_true(a.passes);
    assert_int_equal(a.full_ns, GCRA_PERIOD_MS_MAX * MS * GCRA_COST_MAX);
    assert_false(gcra_ask(slow, a.moment, late, 1).passes);
    assert_int_equal(fast.interval_ns, 1);
    assert_true(gcra_ask(fast, 0, late, 1).passes);
}

/* ---- the table ---- */

static int set_up(void **state) {
    *state = mmap(NULL, sizeof(struct rate_table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return *state == MAP_FAILED;
}
static int tear_down(void **state) { return munmap(*state, sizeof(struct rate_table)); }

static void test_names(void **state) {
    (void)state;
    const struct str ab_c[] = {STR("ab"), STR("c")}, a_bc[] = {STR("a"), STR("bc")}, abc[] = {STR("abc")};
    assert_int_equal(rate_cell_name(ab_c, 2), rate_cell_name(ab_c, 2));
    assert_int_not_equal(rate_cell_name(ab_c, 2), rate_cell_name(a_bc, 2));
    assert_int_not_equal(rate_cell_name(ab_c, 2), rate_cell_name(abc, 1));
    assert_int_not_equal(rate_cell_name(abc, 1), rate_cell_name(abc, 0));
    assert_int_not_equal(rate_cell_name(abc, 0), 0);
}

static void test_each_name_has_its_own(void **state) {
    struct rate_table *table = *state;
    struct gcra limit = gcra_of(2, 2000);
    assert_true(rate_take(table, 17, limit, S, 1).passes);
    assert_true(rate_take(table, 17, limit, S, 1).passes);
    assert_false(rate_take(table, 17, limit, S, 1).passes);
    assert_int_equal(rate_take(table, 18, limit, S, 1).remaining, 1);
    assert_int_equal(rate_take(table, 17 + RATE_CELLS / RATE_PLACES, limit, S, 1).remaining, 1); /* the same set of places */
    assert_true(rate_take(table, 17, limit, 2 * S, 1).passes);
    assert_int_equal(atomic_load(&table->displaced), 0);
}

/* Names that share their places. */
static uint64_t neighbour(uint64_t i) { return 5 + i * (RATE_CELLS / RATE_PLACES); }

static void test_a_name_whose_allowance_is_whole_again_gives_its_place(void **state) {
    struct rate_table *table = *state;
    struct gcra limit = gcra_of(2, 2000);
    for (uint64_t i = 0; i < 100 * RATE_PLACES; i++) {
        int64_t now = S + (int64_t)(i / RATE_PLACES) * S; /* each lasts for a second */
        assert_int_equal(rate_take(table, neighbour(i), limit, now, 1).remaining, 1);
    }
    assert_int_equal(atomic_load(&table->displaced), 0);
}

static void test_a_full_set_gives_up_the_name_that_is_whole_soonest(void **state) {
    struct rate_table *table = *state;
    struct gcra limit = gcra_of(10, 10000);
    for (uint64_t i = 0; i < RATE_PLACES; i++) assert_true(rate_take(table, neighbour(i), limit, S, i == 3 ? 1 : 10).passes);
    struct gcra_answer a = rate_take(table, neighbour(99), limit, S, 4);
    assert_true(a.passes);
    assert_int_equal(a.remaining, 6); /* a new one begins with all, whatever was in its place */
    assert_int_equal(atomic_load(&table->displaced), 1);
    for (uint64_t i = 0; i < RATE_PLACES; i++) { /* who had used all is still held to it */
        if (i != 3) assert_false(rate_take(table, neighbour(i), limit, S, 1).passes);
    }
    assert_int_equal(rate_take(table, neighbour(3), limit, S, 1).remaining, 9); /* the one that gave way begins anew */
    assert_int_equal(atomic_load(&table->displaced), 2);
}

/* Several processes at once, one of them killed in the midst: exactly the allowance passes, and nobody is held up. */
static void test_workers_share_an_allowance_and_one_is_killed(void **state) {
    enum { WORKERS = 4, ASKS = 20000, ALLOWANCE = 30000 };
    struct rate_table *table = *state;
    struct gcra limit = gcra_of(ALLOWANCE, 31 * INT64_C(86400000));
    atomic_int_fast64_t *passed = mmap(NULL, sizeof *passed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pids[WORKERS + 1];
    assert_ptr_not_equal(passed, MAP_FAILED);
    for (size_t w = 0; w <= WORKERS; w++) {
        pids[w] = fork();
        assert_true(pids[w] >= 0);
        if (pids[w] > 0) continue;
        for (int i = 0; w == WORKERS || i < ASKS; i++) { /* the last asks for a name of its own in the same places, until it is killed */
            bool passes = rate_take(table, neighbour(w == WORKERS ? 2 : 1), limit, S, 1).passes;
            if (w < WORKERS && passes) atomic_fetch_add(passed, 1);
        }
        _exit(0);
    }
    usleep(2000);
    assert_int_equal(kill(pids[WORKERS], SIGKILL), 0);
    for (size_t w = 0; w <= WORKERS; w++) {
        int status;
        assert_int_equal(waitpid(pids[w], &status, 0), pids[w]);
        assert_true(w == WORKERS ? WIFSIGNALED(status) : status == 0);
    }
    assert_int_equal(atomic_load(passed), ALLOWANCE);
    assert_true(rate_take(table, neighbour(7), limit, S, 1).passes);
    munmap(passed, sizeof *passed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_allowance_and_how_it_comes_back),
        cmocka_unit_test(test_never_more_than_the_allowance_and_what_came_back),
        cmocka_unit_test(test_arrays_cost_their_items),
        cmocka_unit_test(test_what_costs_more_than_all_passes_when_all_is_there_and_is_paid),
        cmocka_unit_test(test_a_clock_that_goes_back),
        cmocka_unit_test(test_the_bounds_do_not_overflow),
        cmocka_unit_test(test_names),
        cmocka_unit_test_setup_teardown(test_each_name_has_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_name_whose_allowance_is_whole_again_gives_its_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_set_gives_up_the_name_that_is_whole_soonest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_workers_share_an_allowance_and_one_is_killed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
