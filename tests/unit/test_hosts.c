/* What hosts tell each other of rate limits: whose turn it is, which tale was heard, and the form of a tale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "shm/hosts.h"

#define S INT64_C(1000000)

static int set_up(void **state) { return (*state = calloc(1, sizeof(struct hosts))) == NULL; }
static int tear_down(void **state) { return free(*state), 0; }

static void a_round_is_due_once_a_second_for_all_workers_together(void **state) {
    struct hosts *h = *state;
    assert_true(hosts_due(h, false, 100 * S));
    assert_false(hosts_due(h, false, 100 * S));
    assert_false(hosts_due(h, false, 101 * S - 1));
    assert_true(hosts_due(h, false, 101 * S));
    assert_false(hosts_due(h, true, 103 * S - 1)); /* one with requests waiting leaves it to the others, for a second */
    assert_true(hosts_due(h, true, 103 * S));
}

static void rounds_that_fail_come_less_often(void **state) {
    struct hosts *h = *state;
    int64_t now = 100 * S;
    const int64_t rests[] = {1, 2, 4, 8, 16, 16};
    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
        assert_true(hosts_due(h, false, now));
        hosts_failed(h, now);
        assert_false(hosts_due(h, false, now + rests[i] * S - 1));
        now += rests[i] * S;
    }
    assert_true(hosts_due(h, false, now));
    hosts_went_well(h);
    assert_true(hosts_due(h, false, now + S));
    hosts_failed(h, now + S);
    assert_true(hosts_due(h, false, now + 2 * S));
}

static void each_tale_is_heard_once_and_old_ones_never(void **state) {
    struct hosts *h = *state;
    assert_int_equal(hosts_see(h, 7, 0, S), 1); /* it has told nothing yet */
    assert_int_equal(hosts_see(h, 7, 2, S), 1);
    assert_true(hosts_hear(h, 7, 1));
    assert_false(hosts_hear(h, 7, 1));
    assert_int_equal(hosts_see(h, 7, 2, S), 2);
    assert_true(hosts_hear(h, 7, 2));
    assert_int_equal(hosts_see(h, 7, 2, S), 3); /* nothing new */
    assert_int_equal(hosts_see(h, 7, 1, S), 2); /* an old copy of its slot */
    assert_false(hosts_hear(h, 7, 2));
    assert_int_equal(hosts_see(h, 7, 50, S), 47); /* after a long silence the last four */
    assert_true(hosts_hear(h, 7, 49));
    assert_false(hosts_hear(h, 7, 48)); /* given up */
    assert_true(hosts_hear(h, 7, 50));
    assert_int_equal(hosts_see(h, 9, 50, S), 47); /* another host's numbers are its own */
    assert_false(hosts_hear(h, 8, 1));            /* nobody saw it */
}

static void hosts_come_and_go(void **state) {
    struct hosts *h = *state;
    assert_int_equal(hosts_there(h, S), 0);
    for (uint64_t id = 1; id <= HOST_PEERS; id++) hosts_see(h, id, 5, (int64_t)id * 1000);
    assert_int_equal(hosts_there(h, S), HOST_PEERS);
    assert_true(hosts_hear(h, 1, 5) && hosts_hear(h, 2, 5));
    hosts_see(h, 1, 5, S);
    assert_int_equal(hosts_there(h, S + HOST_LIFE_US), 0);
    hosts_see(h, 1, 5, S + HOST_LIFE_US);
    assert_int_equal(hosts_there(h, S + HOST_LIFE_US), 1);
    assert_int_equal(hosts_see(h, 99, 5, 2000 + HOST_PEER_US + 1), 2); /* takes the place of number 2, which was seen longest ago */
    assert_int_equal(hosts_see(h, 1, 5, 2000 + HOST_PEER_US + 1), 6);
    assert_false(hosts_hear(h, 2, 6));
}

/* Else whoever can play another host's words again could have it forgotten, and then its tales be heard twice. */
static void nobody_is_forgotten_whose_tales_could_still_be_heard(void **state) {
    struct hosts *h = *state;
    for (uint64_t id = 1; id <= HOST_PEERS; id++) hosts_see(h, id, 5, S + (int64_t)id);
    assert_true(hosts_hear(h, 1, 5));
    assert_int_equal(hosts_see(h, 99, 5, S + 1 + HOST_PEER_US), 6);
    assert_false(hosts_hear(h, 99, 5));
    assert_int_equal(hosts_see(h, 1, 5, S + 1 + HOST_PEER_US), 6);
    assert_int_equal(hosts_see(h, 99, 5, S + 2 + HOST_PEER_US + 1), 2); /* in the place of number 2 */
    assert_true(hosts_hear(h, 99, 5));
}

/* A worker may be stopped or killed in the midst of taking a place: the id is written, and nothing else yet. */
static void a_place_that_was_only_half_taken_hears_each_tale_once(void **state) {
    struct hosts *h = *state;
    for (uint64_t id = 1; id <= HOST_PEERS; id++) hosts_see(h, id, 50, S + (int64_t)id);
    assert_true(hosts_hear(h, 1, 50));
    h->peers[0].id = 99;
    assert_true(hosts_hear(h, 99, 1)); /* another worker finds it; what the former host told has nothing to do with it */
    assert_false(hosts_hear(h, 99, 1));
    assert_int_equal(hosts_see(h, 99, 2, 30 * S), 2);
    assert_true(hosts_hear(h, 99, 2));
    assert_int_equal(hosts_see(h, 99, 2, 2 * S), 3); /* the one that was stopped goes on, with the time of before */
    assert_false(hosts_hear(h, 99, 2));
    assert_int_equal(h->peers[0].seen_us, 30 * S);
    assert_false(hosts_hear(h, 1, 51)); /* forgotten */
    assert_false(hosts_hear(h, 99, UINT64_MAX));
}

static void only_what_was_told_lately_is_heard(void **state) {
    (void)state;
    const int64_t now = 2000000000000, life = HOST_LIFE_US / 1000, skew = HOST_SKEW_US / 1000;
    assert_true(life == 10000 && skew == 5000);
    assert_true(hosts_are_timely(now, now));
    assert_true(hosts_are_timely(now - life - skew, now));
    assert_false(hosts_are_timely(now - life - skew - 1, now));
    assert_true(hosts_are_timely(now + skew, now));
    assert_false(hosts_are_timely(now + skew + 1, now));
    /* When a peer may be forgotten, what it told last, by a clock that was ahead, can be heard no more. */
    assert_false(hosts_are_timely(now + skew, now + HOST_PEER_US / 1000 + 1));
}

static void a_tale_and_back(void **state) {
    (void)state;
    struct arena *a = arena_new();
    const struct rate_share shares[] = {{UINT64_MAX, 1, INT64_MAX}, {0x0102030405060708, -2, 0}};
    struct rate_share *out;
    size_t n;
    struct str text = shares_text(a, shares, 2);
    assert_int_equal(text.n, 48);
    assert_memory_equal(text.p + 24, "\1\2\3\4\5\6\7\10\377\377\377\377\377\377\377\376\0\0\0\0\0\0\0\0", 24);
    assert_true(shares_parse(a, text, &out, &n));
    assert_int_equal(n, 2);
    assert_int_equal(out[0].name, UINT64_MAX);
    assert_int_equal(out[0].used_ns, 1);
    assert_int_equal(out[0].whole_ns, INT64_MAX);
    assert_int_equal(out[1].name, 0x0102030405060708);
    assert_int_equal(out[1].used_ns, -2);
    assert_true(shares_parse(a, STR(""), &out, &n) && n == 0);
    assert_false(shares_parse(a, (struct str){text.p, 47}, &out, &n));
    struct rate_share *many = NEW_ARRAY(a, struct rate_share, HOST_SHARES + 1);
    text = shares_text(a, many, HOST_SHARES);
    assert_true(shares_parse(a, text, &out, &n) && n == HOST_SHARES);
    char *longer = arena_alloc(a, text.n + 24);
    assert_false(shares_parse(a, (struct str){longer, text.n + 24}, &out, &n));
    arena_free(&a);
}

#define T_(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        T_(a_round_is_due_once_a_second_for_all_workers_together),
        T_(rounds_that_fail_come_less_often),
        T_(each_tale_is_heard_once_and_old_ones_never),
        T_(hosts_come_and_go),
        T_(nobody_is_forgotten_whose_tales_could_still_be_heard),
        T_(a_place_that_was_only_half_taken_hears_each_tale_once),
        T_(only_what_was_told_lately_is_heard),
        T_(a_tale_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
