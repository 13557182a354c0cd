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

static void test_what_is_given_back_was_never_charged(void **state) {
    (void)state;
    struct rate_table *table = calloc(1, sizeof *table);
    struct gcra limit = gcra_of(10, 10000);
    int64_t now = 50 * S;
    assert_int_equal(rate_take(table, 7, limit, now, 5).remaining, 5);
    rate_give_back(table, 7, limit, 3);
    rate_give_back(table, 8, limit, 3); /* a name that has no place */
    assert_int_equal(rate_take(table, 7, limit, now, 1).remaining, 7);
    assert_int_equal(rate_take(table, 8, limit, now, 1).remaining, 9);
    free(table);
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
    assert_false(gcra_ask(limit, moment, moment - 1004 * S, 1).passes);
    a = gcra_ask(limit, moment, moment - 1004 * S - 1, 1);
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

static void test_what_another_host_let_pass(void **state) {
    (void)state;
    struct gcra limit = gcra_of(10, 10000);
    int64_t now = 100 * S, whole = gcra_whole_ns(limit);
    assert_int_equal(whole, 10 * S);
    assert_int_equal(gcra_hear(0, now, 4 * S, whole), now + 3 * S);               /* a second of it has come back by now */
    assert_int_equal(gcra_hear(now - 2 * S, now, 4 * S, whole), now + 3 * S);     /* so it has of what was used before */
    assert_int_equal(gcra_hear(now - S / 2, now, 4 * S, whole), now + 7 * S / 2); /* what was used meanwhile comes on top */
    assert_int_equal(gcra_hear(now + 5 * S, now, 4 * S, whole), now + 9 * S);
    assert_int_equal(gcra_hear(0, now, S, whole), now); /* nothing is left of it */
    assert_int_equal(gcra_hear(0, now, S / 2, whole), now - S / 2);
    /* No longer than for one allowance's time, however much was let pass; a debt of its own is not forgiven. */
    int64_t most = gcra_hear(now + 10 * S, now, 90 * S, whole);
    assert_int_equal(most, now + 20 * S);
    assert_int_equal(gcra_hear(now + 10 * S, now, INT64_MAX, whole), now + 20 * S);
    assert_int_equal(gcra_hear(now + 35 * S, now, 4 * S, whole), now + 35 * S);
    struct gcra_answer refused = gcra_ask(limit, most, now, 1);
    assert_false(refused.passes);
    assert_int_equal(refused.remaining, 0);
    assert_int_equal(refused.wait_ns, 11 * S);
    assert_true(gcra_ask(limit, most, now + 11 * S, 1).passes);
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

/* ---- between hosts ---- */

static void hear_all(struct rate_table *table, const struct rate_share *shares, size_t n, int64_t now) {
    for (size_t i = 0; i < n; i++) assert_true(rates_hear(table, &shares[i], now));
}

static void test_each_use_is_told_once_and_heard_elsewhere(void **state) {
    struct rate_table *one = *state, *other = calloc(1, sizeof *other);
    struct gcra limit = gcra_of(10, 100000);
    struct arena *a = arena_new();
    struct rate_share *shares;
    size_t left;
    for (int i = 0; i < 3; i++) assert_true(rate_take(one, 17, limit, 5 * S, 1).passes);
    assert_true(rate_take(one, 18, limit, 5 * S, 4).passes);
    assert_false(rate_take(one, 18, limit, 5 * S, 7).passes); /* what was refused was not used */
    assert_int_equal(rates_tell(one, a, 5 * S, 100, &shares, &left), 2);
    assert_int_equal(left, 0);
    assert_int_equal(shares[0].name, 17);
    assert_int_equal(shares[0].used_ns, 30 * S);
    assert_int_equal(shares[0].whole_ns, 100 * S);
    assert_int_equal(shares[1].name, 18);
    assert_int_equal(shares[1].used_ns, 40 * S);
    hear_all(other, shares, 2, 6 * S);
    struct rate_share *again;
    assert_int_equal(rates_tell(one, a, 5 * S, 100, &again, &left), 0);   /* told */
    assert_int_equal(rates_tell(other, a, 6 * S, 100, &again, &left), 0); /* what was heard is not told on */
    assert_int_equal(rate_take(other, 17, limit, 6 * S, 1).remaining, 6); /* 10 − 3 − 1, and a tenth has come back of one */
    assert_int_equal(rate_take(one, 17, limit, 6 * S, 1).remaining, 6);   /* who told it is not charged twice */
    assert_false(rate_take(other, 18, limit, 6 * S, 7).passes);
    assert_true(rate_take(other, 18, limit, 6 * S, 6).passes);
    arena_free(&a);
    free(other);
}

static void test_what_has_come_back_need_not_be_told(void **state) {
    struct rate_table *table = *state;
    struct gcra limit = gcra_of(10, 10000);
    struct arena *a = arena_new();
    struct rate_share *shares;
    size_t left;
    rate_take(table, 17, limit, 5 * S, 3);
    rate_take(table, 18, limit, 5 * S, 1);
    assert_int_equal(rates_tell(table, a, 6 * S, 100, &shares, &left), 1);
    assert_int_equal(shares[0].name, 17);
    assert_int_equal(shares[0].used_ns, 2 * S);
    rate_take(table, 18, limit, 6 * S, 1);
    assert_int_equal(rates_tell(table, a, 6 * S, 100, &shares, &left), 1);
    assert_int_equal(shares[0].used_ns, S);
    /* A name that took the place of another begins with nothing to tell. */
    for (uint64_t i = 0; i < RATE_PLACES; i++) rate_take(table, neighbour(i), limit, 20 * S, 10);
    rate_take(table, neighbour(99), limit, 20 * S, 2);
    assert_int_equal(rates_tell(table, a, 20 * S, 100, &shares, &left), RATE_PLACES);
    for (size_t i = 0; i < RATE_PLACES; i++) assert_int_equal(shares[i].used_ns, shares[i].name == neighbour(99) ? 2 * S : 10 * S);
    arena_free(&a);
}

static void test_of_too_many_names_those_that_used_the_greatest_part_are_told_first(void **state) {
    struct rate_table *table = *state;
    struct gcra wide = gcra_of(1000, 1000000), narrow = gcra_of(2, 20000);
    struct arena *a = arena_new();
    struct rate_share *shares;
    size_t left;
    rate_take(table, 1, wide, S, 100); /* a tenth, and the longest time */
    rate_take(table, 2, narrow, S, 1); /* a half */
    rate_take(table, 3, wide, S, 400); /* four tenths */
    rate_take(table, 4, narrow, S, 2); /* all */
    assert_int_equal(rates_tell(table, a, S, 2, &shares, &left), 2);
    assert_int_equal(left, 2);
    assert_int_equal(shares[0].name, 4);
    assert_int_equal(shares[1].name, 2);
    rate_take(table, 1, wide, S, 500);
    assert_int_equal(rates_tell(table, a, S, 1, &shares, &left), 1); /* what was left is told later, with what came */
    assert_int_equal(shares[0].name, 1);
    assert_int_equal(shares[0].used_ns, 600 * S);
    assert_int_equal(rates_tell(table, a, S, 9, &shares, &left), 1);
    assert_int_equal(shares[0].name, 3);
    assert_int_equal(left, 0);
    arena_free(&a);
}

static void test_shares_that_no_limit_can_have_made(void **state) {
    struct rate_table *table = *state;
    const struct rate_share wrong[] = {
        {0, S, 10 * S},
        {6, 0, 10 * S},
        {6, -S, 10 * S},
        {6, S, 0},
        {6, S, -1},
        {6, S, GCRA_PERIOD_MS_MAX * MS + 1},
        {6, INT64_MIN, INT64_MIN},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_false(rates_hear(table, &wrong[i], 50 * S));
    assert_int_equal(rate_take(table, 6, gcra_of(10, 10000), 50 * S, 1).remaining, 9);
    /* Little that nobody uses here takes no place, and displaces nobody. */
    for (uint64_t i = 0; i < RATE_PLACES; i++) rate_take(table, neighbour(i), gcra_of(10, 10000), 50 * S, 10);
    assert_true(rates_hear(table, &(struct rate_share){neighbour(99), S, 10 * S}, 50 * S));
    assert_int_equal(atomic_load(&table->displaced), 0);
    assert_true(rates_hear(table, &(struct rate_share){neighbour(0), S, 10 * S}, 50 * S));
    assert_int_equal(rate_take(table, neighbour(0), gcra_of(10, 10000), 51 * S, 1).wait_ns, S);
    assert_int_equal(atomic_load(&table->displaced), 0);
}

/* Two hosts that are asked 20 times a second each, where 2 a second and 20 at once are allowed, for a minute, by rounds of a second:
 * 20 and 119 (in 59.95 s) by one host. */
static int64_t passed_by_two(struct rate_table *one, struct rate_table *other, bool share) {
    struct gcra limit = gcra_of(20, 10000);
    struct rate_table *hosts[] = {one, other};
    int64_t passed = 0;
    for (int64_t tick = 0; tick < 60 * 20; tick++) {
        int64_t now = 1000 * S + tick * 50 * MS;
        for (int h = 0; h < 2; h++) passed += rate_take(hosts[h], 17, limit, now, 1).passes;
        if (!share || tick % 20 != 19) continue;
        struct arena *a = arena_new();
        struct rate_share *shares[2];
        size_t n[2], left;
        for (int h = 0; h < 2; h++) n[h] = rates_tell(hosts[h], a, now, 100, &shares[h], &left);
        for (int h = 0; h < 2; h++) hear_all(hosts[h], shares[1 - h], n[1 - h], now);
        arena_free(&a);
    }
    return passed;
}

static void test_two_hosts_together_let_pass_what_one_would(void **state) {
    struct rate_table *one = *state, *other = calloc(1, sizeof *other), *third = calloc(1, sizeof *third),
                      *fourth = calloc(1, sizeof *fourth);
    assert_int_equal(passed_by_two(third, fourth, false), 2 * (20 + 119));
    assert_int_equal(passed_by_two(one, other, true), 20 + 122);
    free(other);
    free(third);
    free(fourth);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_allowance_and_how_it_comes_back),
        cmocka_unit_test(test_never_more_than_the_allowance_and_what_came_back),
        cmocka_unit_test(test_arrays_cost_their_items),
        cmocka_unit_test(test_what_costs_more_than_all_passes_when_all_is_there_and_is_paid),
        cmocka_unit_test(test_what_is_given_back_was_never_charged),
        cmocka_unit_test(test_a_clock_that_goes_back),
        cmocka_unit_test(test_the_bounds_do_not_overflow),
        cmocka_unit_test(test_what_another_host_let_pass),
        cmocka_unit_test(test_names),
        cmocka_unit_test_setup_teardown(test_each_name_has_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_name_whose_allowance_is_whole_again_gives_its_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_set_gives_up_the_name_that_is_whole_soonest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_workers_share_an_allowance_and_one_is_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_each_use_is_told_once_and_heard_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_has_come_back_need_not_be_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_of_too_many_names_those_that_used_the_greatest_part_are_told_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_shares_that_no_limit_can_have_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_hosts_together_let_pass_what_one_would, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
