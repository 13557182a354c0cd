/* Identifiers (SEMANTICS 1) and the numbers of accounts, kinds and periods (ENCODINGS: append only). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/numbers.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

/* The example of RFC 9562, appendix A.6. */
static void test_uuid_of_rfc_9562(void **state) {
    struct arena *a = *state;
    const uint8_t random[10] = {0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
    struct uuid u = uuid_make(0x017F22E279B0, random);
    assert_string_equal(str_z(a, uuid_text(a, u)), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    const uint8_t ones[10] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    assert_string_equal(str_z(a, uuid_text(a, uuid_make(0, ones))), "00000000-0000-7fff-bfff-ffffffffffff");
    assert_string_equal(str_z(a, uuid_text(a, uuid_make(0xffffffffffff, (uint8_t[10]){0}))), "ffffffff-ffff-7000-8000-000000000000");
}

/* All of libuuid's random bits arrive: over many, each of the 62 bits is seen as 0 and as 1. Of a time long ago the 12 bits before them
 * are all 1, of one that is still to come all 0. */
static void assert_random_after(int64_t now_ms, const uint8_t lowest[10], const uint8_t highest[10]) {
    struct uuid any = {{0}}, all;
    memset(&all, 0xff, sizeof all);
    for (int i = 0; i < 200; i++) {
        struct uuid u = uuid_new(now_ms);
        for (size_t k = 0; k < sizeof u.b; k++) {
            any.b[k] |= u.b[k];
            all.b[k] &= u.b[k];
        }
    }
    uint8_t time[6];
    for (int i = 0; i < 6; i++) time[i] = (uint8_t)(now_ms >> (40 - 8 * i));
    assert_memory_equal(any.b, time, 6);
    assert_memory_equal(all.b, time, 6);
    assert_memory_equal(any.b + 6, highest, 10);
    assert_memory_equal(all.b + 6, lowest, 10);
}

static void test_uuid_new_is_random_where_it_may_be(void **state) {
    (void)state;
    const uint8_t early[10] = {0x70, 0x00, 0x80}, late[10] = {0x7f, 0xff, 0x80};
    const uint8_t early_most[10] = {0x70, 0x00, 0xbf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const uint8_t late_most[10] = {0x7f, 0xff, 0xbf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    assert_random_after(TIME_MS_MAX, early, early_most);
    assert_random_after(1700000000000, late, late_most);
}

/* M9: lines of a log stand in the order in which they came about, also those of one millisecond. */
static void test_uuids_of_one_millisecond_stand_in_their_order(void **state) {
    (void)state;
    const struct timespec two_us = {.tv_nsec = 2000};
    int64_t now_ms = clock_now_ms();
    struct uuid last = uuid_new(now_ms);
    for (int i = 0; i < 10; i++) {
        nanosleep(&two_us, NULL);
        struct uuid u = uuid_new(now_ms);
        if (clock_now_us() - now_ms * 1000 < 4095) assert_true(memcmp(&last, &u, sizeof u) < 0);
        last = u;
    }
}

static void test_uuid_texts(void **state) {
    struct arena *a = *state;
    struct uuid u;
    assert_true(uuid_of_text(STR("017F22E2-79b0-7cc3-98C4-dc0c0c07398f"), &u));
    assert_string_equal(str_z(a, uuid_text(a, u)), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    static const char *const bad[] = {"",
                                      "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
                                      "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
                                      "017f22e279b07cc398c4dc0c0c07398f",
                                      "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
                                      "017f22e2_79b0-7cc3-98c4-dc0c0c07398f",
                                      "017f22e279-b0-7cc3-98c4-dc0c0c07398f",
                                      "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
                                      "017f22e2-79b0-7cc3-98c4-dc0c0c0739 8"};
    for (size_t i = 0; i < COUNT(bad); i++)
        if (uuid_of_text(str_of(bad[i]), &u)) fail_msg("taken as a UUID: %s", bad[i]);
}

static void test_positions(void **state) {
    (void)state;
    struct position p = {20778, 3, 77, 1};
    assert_true(position_eq(p, (struct position){20778, 3, 77, 1}));
    assert_false(position_eq(p, (struct position){20779, 3, 77, 1}));
    assert_false(position_eq(p, (struct position){20778, 4, 77, 1}));
    assert_false(position_eq(p, (struct position){20778, 3, 78, 1}));
    assert_false(position_eq(p, (struct position){20778, 3, 77, 0}));
}

static struct str of_length(struct arena *a, size_t n) {
    char *p = arena_alloc(a, n);
    memset(p, 'x', n);
    return (struct str){p, n};
}

static void test_codes(void **state) {
    struct arena *a = *state;
    static const char *const good[] = {"a", "Z", "0", "call.completed", "first-of_the:day", "9lives", "a.-_:"};
    static const char *const bad[] = {"", ".a", "-a", "_a", ":a", "a b", "a/b", "a\n", "\xc3\xa9t\xc3\xa9", "a%", "a\x7f", " a"};
    for (size_t i = 0; i < COUNT(good); i++) assert_true(code_is_valid(str_of(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++) assert_false(code_is_valid(str_of(bad[i])));
    assert_true(code_is_valid(of_length(a, 64)));
    assert_false(code_is_valid(of_length(a, 65)));
    assert_false(code_is_valid((struct str){"a\0", 2}));
}

static void test_public_ids_semantics_1(void **state) {
    struct arena *a = *state;
    static const char *const good[] = {"a",
                                       "agent-17",
                                       "https://crm.example/a/b?c=d#e",
                                       "/a//b/",
                                       "...",
                                       "a..",
                                       "..a",
                                       "a/...",
                                       "%2e%2e",
                                       "z\xc3\xbcrich",
                                       "\xf0\x9d\x84\x9e",
                                       " ",
                                       "a b"};
    static const char *const bad[] = {"",    ".",   "..", "a/..",  "../a", "a/../b", "a/./b",        "./",
                                      "/..", "a\n", "\t", "a\x7f", "\xc3", "\xff",   "\xed\xa0\x80", "\xc0\xaf"};
    for (size_t i = 0; i < COUNT(good); i++)
        if (!public_id_is_valid(str_of(good[i]))) fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (public_id_is_valid(str_of(bad[i]))) fail_msg("taken: %s", bad[i]);
    assert_true(public_id_is_valid(of_length(a, 128)));
    assert_false(public_id_is_valid(of_length(a, 129)));
    assert_false(public_id_is_valid((struct str){"a\0b", 3}));
}

/* A number that changes breaks every stored hash and outcome: this list only grows. */
static void test_numbers_never_change(void **state) {
    (void)state;
    static const char *const accounts[] = {NULL, "issuance", "redemption", "decay", "expiry", "adjustment", "referral", "reversal", "held"};
    static const char *const kinds[] = {NULL,     "earned",   "bonus",    "spent", "refund",  "adjustment", "decay",
                                        "expiry", "referral", "reversal", "hold",  "capture", "release"};
    static const char *const changes[] = {NULL, "event", "adjustment"};
    static const char *const periods[] = {"ever", "hour", "day", "week", "month"};
    static const char *const reasons[] = {NULL,    "condition", "audience", "inactive",   "suspended", "cooldown",
                                          "limit", "capped",    "zero",     "expression", "budget"};
    static const char *const counters[] = {NULL, "metric", "cap", "limit", "cooldown", "earned"};
#define ASSERT_NAMES(names, name, type)                                                                                                    \
    for (size_t i = 0; i < COUNT(names); i++) {                                                                                            \
        if (names[i])                                                                                                                      \
            assert_string_equal(name((type)i), names[i]);                                                                                  \
        else                                                                                                                               \
            assert_null(name((type)i));                                                                                                    \
    }                                                                                                                                      \
    assert_null(name((type)200))
    ASSERT_NAMES(accounts, account_name, enum account);
    ASSERT_NAMES(kinds, transfer_kind_name, enum transfer_kind);
    ASSERT_NAMES(changes, change_kind_name, enum change_kind);
    ASSERT_NAMES(periods, period_name, enum period_kind);
    ASSERT_NAMES(reasons, reason_name, enum reason);
    ASSERT_NAMES(counters, counter_kind_name, enum counter_kind);
    assert_int_equal(PART_AVAILABLE, 1);
    assert_int_equal(PART_HELD, 2);
}

static void test_numbers_of_names(void **state) {
    (void)state;
    enum transfer_kind kind;
    enum period_kind period;
    assert_true(transfer_kind_of(STR("release"), &kind));
    assert_int_equal(kind, 12);
    assert_true(transfer_kind_of(STR("earned"), &kind));
    assert_int_equal(kind, 1);
    assert_false(transfer_kind_of(STR("Earned"), &kind));
    assert_false(transfer_kind_of(STR(""), &kind));
    assert_true(period_of(STR("ever"), &period));
    assert_int_equal(period, 0);
    assert_true(period_of(STR("month"), &period));
    assert_int_equal(period, 4);
    assert_false(period_of(STR("year"), &period));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_uuid_of_rfc_9562, set_up, tear_down),
        cmocka_unit_test(test_uuid_new_is_random_where_it_may_be),
        cmocka_unit_test(test_uuids_of_one_millisecond_stand_in_their_order),
        cmocka_unit_test_setup_teardown(test_uuid_texts, set_up, tear_down),
        cmocka_unit_test(test_positions),
        cmocka_unit_test_setup_teardown(test_codes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_public_ids_semantics_1, set_up, tear_down),
        cmocka_unit_test(test_numbers_never_change),
        cmocka_unit_test(test_numbers_of_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
