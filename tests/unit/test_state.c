/* The state row: its encoding (ENCODINGS "State row"; golden files), its lists, and what is not one of our encodings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/counters.h"
#include "engine/settle.h"
#include "tests/unit/golden.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

#define DAY_START   INT64_C(1795219200000)
#define WEEK_START  INT64_C(1794787200000)
#define MONTH_START INT64_C(1793491200000)

static void wallet_of(struct arena *a, struct member_state *s, uint16_t currency, enum part part, int64_t balance, uint64_t seq,
                      uint8_t fill, int64_t created_at) {
    struct wallet *w = state_wallet(a, s, currency, part);
    w->balance = balance;
    w->seq = seq;
    memset(w->hash.b, fill, sizeof w->hash.b);
    w->last_created_at = created_at;
}

/* Made in an order that is not that of the encoding. */
static struct member_state full(struct arena *a) {
    struct member_state s = {0};
    wallet_of(a, &s, 300, PART_AVAILABLE, -7, 9, 0xef, 1795255200125);
    wallet_of(a, &s, 1, PART_HELD, 5, 1, 0xcd, 1795255200124);
    wallet_of(a, &s, 1, PART_AVAILABLE, 20, 2, 0xab, 1795255200123);
    state_lifetime(a, &s, 300)->earned = BALANCE_MAX;
    *state_lifetime(a, &s, 1) = (struct lifetime){1, 27, 2};
    counter_add(a, &s, COUNTER_EARNED, 1, PERIOD_DAY, DAY_START, 20);
    counter_add(a, &s, COUNTER_COOLDOWN, 7, PERIOD_EVER, 0, 1795255200000);
    counter_add(a, &s, COUNTER_LIMIT, 7, PERIOD_DAY, DAY_START, 4);
    counter_add(a, &s, COUNTER_LIMIT, 7, PERIOD_HOUR, DAY_START + 10 * MS_HOUR, 1);
    counter_add(a, &s, COUNTER_CAP, 1, PERIOD_DAY, DAY_START, 20);
    counter_add(a, &s, COUNTER_METRIC, 1, PERIOD_MONTH, MONTH_START, 3000);
    counter_add(a, &s, COUNTER_METRIC, 1, PERIOD_EVER, 0, 3000);
    counter_add(a, &s, COUNTER_METRIC, 1, PERIOD_WEEK, WEEK_START, 2000);
    counter_add(a, &s, COUNTER_METRIC, 1, PERIOD_DAY, DAY_START, 1000);
    s.status = MEMBER_SUSPENDED;
    s.type = STR("agent");
    s.zone_no = 2;
    s.next_zone_no = 3;
    s.zone_from_ms = 1795305600000;
    s.has_leftovers = true;
    state_ladder(a, &s, 65535)->level = 1000;
    state_ladder(a, &s, 2)->level = 0;
    state_ladder(a, &s, 1)->level = 3;
    return s;
}

static struct closed_period full_closed(struct arena *a) {
    struct closed_period c = {.kind = PERIOD_DAY, .start = DAY_START};
    *LIST_PUSH(a, &c.counters) = (struct counter){COUNTER_METRIC, 1, PERIOD_DAY, DAY_START, 1000};
    *LIST_PUSH(a, &c.counters) = (struct counter){COUNTER_CAP, 1, PERIOD_DAY, DAY_START, 20};
    return c;
}

static void the_format_is_that_of_the_golden_file(void **state) {
    struct arena *a = *state;
    const struct json *golden = golden_read(a, "tests/golden/state/state.json");
    assert_int_equal(golden->n, 2);
    for (uint32_t i = 0; i < golden->n; i++) {
        const struct json *row = &golden->items[i];
        bool empty = str_is(golden_text(row, "name"), "empty");
        struct member_state s = empty ? (struct member_state){0} : full(a);
        struct closed_period c = empty ? (struct closed_period){.kind = PERIOD_DAY} : full_closed(a);
        struct str hot = state_encode_hot(a, &s), cold = state_encode_cold(a, &s), closed = closed_encode(a, &c);
        golden_equal(a, row, "hot", hot.p, hot.n);
        golden_equal(a, row, "cold", cold.p, cold.n);
        golden_equal(a, row, "closed", closed.p, closed.n);
        assert_int_equal(state_hot_size(&s), hot.n);
        assert_int_equal(state_cold_size(&s), cold.n);
    }
}

static void what_is_read_is_what_was_written(void **state) {
    struct arena *a = *state;
    const struct json *row = &golden_read(a, "tests/golden/state/state.json")->items[1];
    struct member_state s = {.version = 12, .hot_dirty = true, .cold_dirty = true};
    assert_true(state_decode(a, golden_bytes(a, row, "hot"), golden_bytes(a, row, "cold"), &s));
    assert_int_equal(s.version, 12);
    assert_false(s.hot_dirty || s.cold_dirty);
    assert_int_equal(s.wallets.n, 3);
    assert_int_equal(s.wallets.items[2].balance, -7);
    assert_int_equal(s.wallets.items[1].part, PART_HELD);
    assert_int_equal(s.wallets.items[1].hash.b[15], 0xcd);
    assert_int_equal(s.wallets.items[0].last_created_at, 1795255200123);
    assert_int_equal(state_earned(&s, 300), BALANCE_MAX);
    assert_int_equal(state_earned(&s, 2), 0);
    assert_int_equal(s.lifetimes.items[0].spent, 2);
    assert_int_equal(s.counters.n, 9);
    assert_int_equal(state_counter(&s, COUNTER_METRIC, 1, PERIOD_WEEK)->start, WEEK_START);
    assert_int_equal(state_counter(&s, COUNTER_METRIC, 1, PERIOD_WEEK)->value, 2000);
    assert_null(state_counter(&s, COUNTER_METRIC, 1, PERIOD_HOUR));
    assert_null(state_counter(&s, COUNTER_METRIC, 2, PERIOD_EVER));
    assert_int_equal(s.status, MEMBER_SUSPENDED);
    assert_true(str_is(s.type, "agent"));
    assert_int_equal(s.zone_no, 2);
    assert_int_equal(s.next_zone_no, 3);
    assert_int_equal(s.zone_from_ms, 1795305600000);
    assert_true(s.has_leftovers);
    assert_int_equal(state_ladder_find(&s, 65535)->level, 1000);
    assert_null(state_ladder_find(&s, 3));
    struct closed_period c = {.kind = PERIOD_DAY, .start = DAY_START, .dirty = true};
    assert_true(closed_decode(a, golden_bytes(a, row, "closed"), &c));
    assert_false(c.dirty);
    assert_int_equal(c.counters.n, 2);
    assert_int_equal(c.counters.items[1].value, 20);
}

static void empty_texts_are_a_new_member(void **state) {
    struct member_state s = full(*state);
    assert_true(state_decode(*state, STR(""), STR(""), &s));
    assert_int_equal(s.wallets.n + s.lifetimes.n + s.counters.n + s.ladders.n, 0);
    assert_int_equal(s.status, MEMBER_ACTIVE);
    assert_int_equal(s.type.n, 0);
    assert_false(s.has_leftovers);
}

static void a_text_that_was_cut_or_extended_is_damaged(void **state) {
    struct arena *a = *state;
    struct member_state s = full(a), out = {0};
    struct closed_period c = full_closed(a), closed = {.kind = PERIOD_DAY, .start = DAY_START};
    struct str hot = state_encode_hot(a, &s), cold = state_encode_cold(a, &s), text = closed_encode(a, &c);
    for (size_t n = 1; n < hot.n; n++) assert_false(state_decode(a, (struct str){hot.p, n}, STR(""), &out));
    for (size_t n = 1; n < cold.n; n++) assert_false(state_decode(a, STR(""), (struct str){cold.p, n}, &out));
    for (size_t n = 0; n < text.n; n++) assert_false(closed_decode(a, (struct str){text.p, n}, &closed));
    assert_false(state_decode(a, str_printf(a, STR_FMT "x", STR_ARG(hot)), STR(""), &out));
    assert_false(state_decode(a, STR(""), str_printf(a, STR_FMT "x", STR_ARG(cold)), &out));
}

/* One byte of the full state set to another value. */
static bool decodes_with(struct arena *a, struct str text, bool is_hot, size_t at, uint8_t byte) {
    struct member_state out = {0};
    char *copy = arena_copy(a, text.p, text.n);
    copy[at] = (char)byte;
    struct str changed = {copy, text.n};
    return is_hot ? state_decode(a, changed, STR(""), &out) : state_decode(a, STR(""), changed, &out);
}

static void what_we_would_never_write_is_damaged(void **state) {
    struct arena *a = *state;
    struct member_state s = full(a);
    struct str hot = state_encode_hot(a, &s), cold = state_encode_cold(a, &s);
    const size_t lifetimes = 2 + 3 * STATE_WALLET, groups = lifetimes + 1 + 2 * STATE_LIFETIME, first = groups + 2;
    assert_true(decodes_with(a, hot, true, 4, PART_AVAILABLE));
    assert_false(decodes_with(a, hot, true, 0, 2));               /* another format */
    assert_false(decodes_with(a, hot, true, 3, 0));               /* currency 0 */
    assert_false(decodes_with(a, hot, true, 4, PART_HELD));       /* the same wallet twice */
    assert_false(decodes_with(a, hot, true, 4, PART__MAX));       /* no part */
    assert_false(decodes_with(a, hot, true, 5, 0x7f));            /* a balance beyond its bound */
    assert_false(decodes_with(a, hot, true, lifetimes + 2, 0));   /* currency 0 */
    assert_false(decodes_with(a, hot, true, first, 0));           /* counters of no kind */
    assert_false(decodes_with(a, hot, true, first, COUNTER_CAP)); /* a group twice */
    assert_false(decodes_with(a, hot, true, first + 3, 0));       /* without periods */
    assert_false(decodes_with(a, hot, true, first + 3, 0x20));    /* of a period that there is not */
    assert_false(decodes_with(a, cold, false, 1, MEMBER_MERGED + 1));
    assert_false(decodes_with(a, cold, false, 2, CODE_BYTES_MAX + 1));
    assert_false(decodes_with(a, cold, false, 3 + 5 + 12, 2)); /* has leftovers */
    struct closed_period c = full_closed(a), other = {.kind = PERIOD_DAY, .start = DAY_START + MS_DAY};
    assert_false(closed_decode(a, closed_encode(a, &c), &other)); /* of another period */
    other.kind = PERIOD_EVER;
    other.start = 0;
    assert_true(closed_decode(a, closed_encode(a, &c), &other)); /* what definitions left is of any */
}

static void counters_roll_on_and_late_ones_go_to_their_period(void **state) { /* SEMANTICS 26 */
    struct arena *a = *state;
    struct member_state s = {0};
    counter_add(a, &s, COUNTER_METRIC, 1, PERIOD_DAY, DAY_START, 5);
    counter_add(a, &s, COUNTER_METRIC, 1, PERIOD_DAY, DAY_START, 2);
    assert_int_equal(s.closed.n, 0);
    assert_true(s.hot_dirty);
    counter_add(a, &s, COUNTER_METRIC, 1, PERIOD_DAY, DAY_START + MS_DAY, 1);
    assert_int_equal(counter_value(&s, COUNTER_METRIC, 1, PERIOD_DAY, DAY_START), 7);
    assert_int_equal(counter_value(&s, COUNTER_METRIC, 1, PERIOD_DAY, DAY_START + MS_DAY), 1);
    counter_add(a, &s, COUNTER_METRIC, 1, PERIOD_DAY, DAY_START, 3); /* late, in the period that was closed */
    counter_add(a, &s, COUNTER_METRIC, 1, PERIOD_DAY, DAY_START - MS_DAY, 4);
    assert_int_equal(counter_value(&s, COUNTER_METRIC, 1, PERIOD_DAY, DAY_START), 10);
    assert_int_equal(counter_value(&s, COUNTER_METRIC, 1, PERIOD_DAY, DAY_START - MS_DAY), 4);
    assert_int_equal(counter_value(&s, COUNTER_METRIC, 1, PERIOD_DAY, DAY_START + MS_DAY), 1);
    assert_int_equal(counter_value(&s, COUNTER_METRIC, 1, PERIOD_DAY, DAY_START + 2 * MS_DAY), 0);
    assert_int_equal(s.closed.n, 2);
    assert_true(closed_find(&s, PERIOD_DAY, DAY_START)->dirty);
    assert_int_equal(s.counters.n, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_format_is_that_of_the_golden_file), TEST(what_is_read_is_what_was_written),
        TEST(empty_texts_are_a_new_member),          TEST(a_text_that_was_cut_or_extended_is_damaged),
        TEST(what_we_would_never_write_is_damaged),  TEST(counters_roll_on_and_late_ones_go_to_their_period),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
