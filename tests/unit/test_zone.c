/* Zones, periods and times as text (DESIGN 4, SEMANTICS 14, 35), against a golden table by Python's zoneinfo. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/calendar.h"
#include "base/zone.h"
#include "tests/unit/golden.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

static const enum period_kind KINDS[] = {PERIOD_HOUR, PERIOD_DAY, PERIOD_WEEK, PERIOD_MONTH};

static int32_t offset_at(const struct zone *z, int64_t t) {
    uint32_t k = z->n - 1;
    while (z->from_ms[k] > t) k--;
    return z->offset_s[k];
}

static int64_t ms_of(const char *text) {
    int64_t ms = 0;
    assert_true(time_parse(str_of(text), &ms));
    return ms;
}

static void test_periods_of_the_golden_table_semantics_14_35(void **state) {
    const struct json *rows = golden_read(*state, "tests/golden/zones/zones.json");
    for (uint32_t i = 0; i < rows->n; i++) {
        const struct json *row = rows->items[i].items;
        assert_int_equal(rows->items[i].n, 13);
        const struct zone *z = zone_find(row[0].string);
        assert_non_null(z);
        int64_t t = (int64_t)row[1].number;
        int hour, weekday;
        zone_local(z, t, &hour, &weekday);
        int64_t got[13] = {0, t, offset_at(z, t), hour, weekday};
        for (size_t k = 0; k < COUNT(KINDS); k++) {
            got[5 + 2 * k] = period_start(z, KINDS[k], t);
            got[6 + 2 * k] = period_end(z, KINDS[k], t);
        }
        for (int c = 1; c < 13; c++) {
            if (got[c] != (int64_t)row[c].number)
                fail_msg(STR_FMT " at %lld, column %d: expected %lld, got %lld", STR_ARG(row[0].string), (long long)t, c,
                         (long long)row[c].number, (long long)got[c]);
        }
    }
}

/* Periods tile time: the end of one is the start of the next, and each holds what lies between. */
static void test_periods_have_no_gaps(void **state) {
    (void)state;
    static const char *const names[] = {"America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "America/Caracas", "UTC"};
    for (size_t i = 0; i < COUNT(names); i++) {
        const struct zone *z = zone_find(str_of(names[i]));
        assert_non_null(z);
        for (size_t k = 0; k < COUNT(KINDS); k++) {
            int64_t t = ms_of("2007-01-01T00:00:00Z"), end;
            for (int n = 0; n < (KINDS[k] == PERIOD_HOUR ? 60000 : 1000); n++, t = end) {
                end = period_end(z, KINDS[k], t);
                assert_true(end > t);
                assert_true(period_start(z, KINDS[k], end) == end);
                assert_true(period_start(z, KINDS[k], end - 1) <= t);
                assert_true(period_end(z, KINDS[k], end - 1) == end);
                int64_t both[2];
                period_bounds(z, KINDS[k], end - 1, &both[0], &both[1]);
                assert_true(both[0] == period_start(z, KINDS[k], end - 1) && both[1] == end);
            }
        }
    }
}

static void test_midnight_that_does_not_exist(void **state) {
    (void)state;
    const struct zone *z = zone_find(STR("America/Sao_Paulo"));
    int64_t start = ms_of("2018-11-04T03:00:00Z"); /* 01:00 on the wall: 00:00 was skipped */
    assert_true(period_start(z, PERIOD_DAY, start + MS_HOUR) == start);
    assert_true(period_end(z, PERIOD_DAY, start) - start == 23 * MS_HOUR);
    assert_true(period_start(z, PERIOD_DAY, start - 1) == start - 24 * MS_HOUR);
}

static void test_midnight_that_comes_twice_counts_at_the_first(void **state) {
    (void)state;
    const struct zone *z = zone_find(STR("America/St_Johns"));
    int64_t first = ms_of("2009-11-01T02:30:00Z"); /* 00:00; a minute later the clock goes back to 23:01 of the day before */
    assert_true(period_start(z, PERIOD_DAY, first) == first);
    assert_true(period_start(z, PERIOD_DAY, first + 30 * MS_MINUTE) == first);
    assert_true(period_start(z, PERIOD_DAY, first + 90 * MS_MINUTE) == first);
    assert_true(period_end(z, PERIOD_DAY, first) - first == 25 * MS_HOUR);
    assert_true(period_start(z, PERIOD_MONTH, first + 30 * MS_MINUTE) == first);
}

static void test_repeated_hour_is_two_periods(void **state) {
    (void)state;
    const struct zone *z = zone_find(STR("Europe/Berlin"));
    int64_t first = ms_of("2024-10-27T00:00:00Z"); /* 02:00 summer time, again an hour later */
    assert_true(period_start(z, PERIOD_HOUR, first + MS_MINUTE) == first);
    assert_true(period_end(z, PERIOD_HOUR, first + MS_MINUTE) == first + MS_HOUR);
    assert_true(period_start(z, PERIOD_HOUR, first + MS_HOUR + MS_MINUTE) == first + MS_HOUR);
    int hour, weekday;
    zone_local(z, first + MS_HOUR, &hour, &weekday);
    assert_int_equal(hour, 2);
    assert_int_equal(weekday, 7);
}

static void test_half_an_hour(void **state) {
    (void)state;
    const struct zone *z = zone_find(STR("Australia/Lord_Howe"));
    int64_t back = ms_of("2024-04-06T15:00:00Z"); /* 02:00 becomes 01:30: that hour lasts 90 minutes */
    assert_true(period_start(z, PERIOD_HOUR, back) == back - MS_HOUR);
    assert_true(period_end(z, PERIOD_HOUR, back - MS_HOUR) == back + 30 * MS_MINUTE);
    assert_true(period_end(z, PERIOD_DAY, back) - period_start(z, PERIOD_DAY, back) == 24 * MS_HOUR + 30 * MS_MINUTE);
    int64_t on = ms_of("2024-10-05T15:30:00Z"); /* 02:00 becomes 02:30: that hour lasts 30 minutes */
    assert_true(period_start(z, PERIOD_HOUR, on) == on);
    assert_true(period_end(z, PERIOD_HOUR, on) == on + 30 * MS_MINUTE);
}

static void test_ever(void **state) {
    (void)state;
    assert_true(period_start(zone_utc(), PERIOD_EVER, ms_of("2026-11-21T10:00:00Z")) == 0);
    assert_true(period_end(zone_utc(), PERIOD_EVER, ms_of("2026-11-21T10:00:00Z")) == INT64_MAX);
}

static void assert_like_the_library(const char *name, int64_t from_ms, int64_t to_ms) {
    const struct zone *z = zone_find(str_of(name));
    assert_non_null(z);
    setenv("TZ", name, 1);
    tzset();
    for (int64_t t = from_ms; t < to_ms; t += 11 * MS_HOUR + 7 * MS_MINUTE) {
        time_t second = (time_t)(t / 1000);
        struct tm local;
        assert_non_null(localtime_r(&second, &local));
        assert_int_equal(offset_at(z, t), local.tm_gmtoff);
    }
    unsetenv("TZ");
    tzset();
}

/* Also the years to come, whatever the installed database says of them. */
static void test_tables_agree_with_the_library_to_2100(void **state) {
    (void)state;
    static const char *const names[] = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca",
                                        "Asia/Tehran",   "Asia/Kolkata",     "America/Nuuk",        "Etc/GMT+12"};
    for (size_t i = 0; i < COUNT(names); i++) assert_like_the_library(names[i], TIME_MS_MIN, TIME_MS_MAX);
}

static void test_each_border_is_exact(void **state) {
    (void)state;
    const struct zone *z = zone_find(STR("Europe/Berlin"));
    assert_true(z->from_ms[0] == INT64_MIN);
    assert_int_equal(z->offset_s[0], 3600);
    assert_true(z->from_ms[1] == ms_of("2000-03-26T01:00:00Z"));
    assert_int_equal(z->offset_s[1], 7200);
    assert_true(z->n >= 60);
}

static void test_a_name_is_a_file_of_the_database(void **state) {
    (void)state;
    static const char *const refused[] = {"",
                                          "Nowhere/City",
                                          "/etc/localtime",
                                          "../zoneinfo/Europe/Berlin",
                                          "Europe/../Europe/Berlin",
                                          "Europe",
                                          "Europe/",
                                          "Europe//Berlin",
                                          "/Europe/Berlin",
                                          "zone.tab",
                                          "tzdata.zi",
                                          "leapseconds",
                                          "localtime",
                                          "posixrules",
                                          "right/Europe/Berlin",
                                          "posix/Europe/Berlin",
                                          "Factory",
                                          "Europe/Berlin ",
                                          "CET-1CEST",
                                          "Europe/Berlin\n",
                                          ":Europe/Berlin",
                                          "Europe/Z\xc3\xbcrich",
                                          "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < COUNT(refused); i++)
        if (zone_find(str_of(refused[i]))) fail_msg("taken as a zone: %s", refused[i]);
    assert_null(zone_find((struct str){"UTC\0", 4}));
    assert_ptr_equal(zone_find(STR("UTC")), zone_utc());
    assert_ptr_equal(zone_find(STR("Asia/Tokyo")), zone_find(STR("Asia/Tokyo")));
    assert_true(str_is(zone_find(STR("Asia/Tokyo"))->name, "Asia/Tokyo"));
    assert_int_equal(zone_find(STR("Asia/Tokyo"))->n, 1);
}

/* A zone that is found leaves the process's own zone as it was. */
static void test_tz_is_restored(void **state) {
    (void)state;
    setenv("TZ", "Asia/Kolkata", 1);
    tzset();
    assert_non_null(zone_find(STR("America/Denver")));
    assert_string_equal(getenv("TZ"), "Asia/Kolkata");
    assert_int_equal(timezone, -19800);
    unsetenv("TZ");
    tzset();
    assert_non_null(zone_find(STR("America/Phoenix")));
    assert_null(getenv("TZ"));
}

static void test_calendar(void **state) {
    (void)state;
    assert_int_equal(date_days((struct date){1970, 1, 1}), 0);
    assert_int_equal(date_days((struct date){2000, 2, 29}), 11016);
    assert_int_equal(date_days((struct date){0, 1, 1}), -719528);
    assert_int_equal(date_days((struct date){2025, 13, 1}), date_days((struct date){2026, 1, 1}));
    for (int64_t day = -800000; day < 800000; day += 1) {
        struct date d = date_of_days(day);
        assert_true(date_days(d) == day && d.month >= 1 && d.month <= 12 && d.day >= 1 && d.day <= month_days(d.year, d.month));
    }
    assert_int_equal(month_days(2100, 2), 28);
    assert_int_equal(month_days(2024, 2), 29);
    assert_int_equal(month_days(2023, 12), 31);
    assert_int_equal(day_of_week(0), 4);
    assert_int_equal(day_of_week(-4), 7);
    assert_int_equal(day_of_week(-3), 1);
}

static void test_time_as_text(void **state) {
    struct arena *a = *state;
    static const struct {
        const char *text;
        int64_t ms;
        const char *again;
    } good[] = {
        {"2026-11-21T10:00:00.000Z", 1795255200000, "2026-11-21T10:00:00.000Z"},
        {"2026-11-21T10:00:00Z", 1795255200000, "2026-11-21T10:00:00.000Z"},
        {"2026-11-21t10:00:00z", 1795255200000, "2026-11-21T10:00:00.000Z"},
        {"2026-11-21T11:30:00+01:30", 1795255200000, "2026-11-21T10:00:00.000Z"},
        {"2026-11-20T21:15:00.000-12:45", 1795255200000, "2026-11-21T10:00:00.000Z"},
        {"2026-11-21T10:00:00-00:00", 1795255200000, "2026-11-21T10:00:00.000Z"},
        {"2026-11-21T10:00:00.1Z", 1795255200100, "2026-11-21T10:00:00.100Z"},
        {"2026-11-21T10:00:00.0129999999999999999999999999Z", 1795255200012, "2026-11-21T10:00:00.012Z"},
        {"2026-11-21T10:00:00.9999Z", 1795255200999, "2026-11-21T10:00:00.999Z"},
        {"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000Z"},
        {"1969-12-31T23:59:59.999Z", -1, "1969-12-31T23:59:59.999Z"},
        {"2024-02-29T23:59:59Z", 1709251199000, "2024-02-29T23:59:59.000Z"},
        {"0000-01-01T00:00:00Z", -62167219200000, "0000-01-01T00:00:00.000Z"},
        {"9999-12-31T23:59:59.999Z", 253402300799999, "9999-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        int64_t ms = 7;
        if (!time_parse(str_of(good[i].text), &ms)) fail_msg("refused: %s", good[i].text);
        assert_int_equal(ms, good[i].ms);
        assert_string_equal(str_z(a, time_text(a, ms)), good[i].again);
    }
}

static void test_times_that_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-11-21",
                                      "2026-11-21T10:00:00",
                                      "2026-11-21 10:00:00Z",
                                      "2026-11-21T10:00Z",
                                      "2026-11-21T24:00:00Z",
                                      "2026-11-21T10:60:00Z",
                                      "2016-12-31T23:59:60Z",
                                      "2026-11-21T10:00:61Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-00-01T00:00:00Z",
                                      "2026-11-31T00:00:00Z",
                                      "2026-11-00T00:00:00Z",
                                      "2023-02-29T00:00:00Z",
                                      "2100-02-29T00:00:00Z",
                                      "2026-11-21T10:00:00.Z",
                                      "2026-11-21T10:00:00,5Z",
                                      "2026-11-21T10:00:00+0100",
                                      "2026-11-21T10:00:00+01",
                                      "2026-11-21T10:00:00+24:00",
                                      "2026-11-21T10:00:00+01:60",
                                      "2026-11-21T10:00:00Z ",
                                      " 2026-11-21T10:00:00Z",
                                      "2026-11-21T10:00:00ZZ",
                                      "26-11-21T10:00:00Z",
                                      "12026-11-21T10:00:00Z",
                                      "-026-11-21T10:00:00Z",
                                      "2026-1-21T10:00:00Z",
                                      "2026-11-21T-0:00:00Z",
                                      "2026-11-21T10:00:-1Z",
                                      "2026-11-21T10:00:00.-1Z",
                                      "2026/11/21T10:00:00Z",
                                      "2026-11-21T10:00:00.5",
                                      "2026-11-21T10:00:00+",
                                      "+2026-11-21T10:00:00Z",
                                      "2026-11-21T10:00:00+-1:00",
                                      "20\xd9\xa2\xd9\xa6-11-21T10:00:00Z"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        int64_t ms;
        if (time_parse(str_of(bad[i]), &ms)) fail_msg("taken as a time: %s", bad[i]);
    }
    int64_t ms;
    assert_false(time_parse((struct str){"2026-11-21T10:00:00Z\0", 21}, &ms));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_periods_of_the_golden_table_semantics_14_35, set_up, tear_down),
        cmocka_unit_test(test_periods_have_no_gaps),
        cmocka_unit_test(test_midnight_that_does_not_exist),
        cmocka_unit_test(test_midnight_that_comes_twice_counts_at_the_first),
        cmocka_unit_test(test_repeated_hour_is_two_periods),
        cmocka_unit_test(test_half_an_hour),
        cmocka_unit_test(test_ever),
        cmocka_unit_test(test_tables_agree_with_the_library_to_2100),
        cmocka_unit_test(test_each_border_is_exact),
        cmocka_unit_test(test_a_name_is_a_file_of_the_database),
        cmocka_unit_test(test_tz_is_restored),
        cmocka_unit_test(test_calendar),
        cmocka_unit_test_setup_teardown(test_time_as_text, set_up, tear_down),
        cmocka_unit_test(test_times_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
