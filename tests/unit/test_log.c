/* Log lines, and the clock that stands in them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/zone.h"

static char folder[] = "accolade-test-XXXXXX";

static int enter(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    return chdir(base && *base ? base : P_tmpdir) || !mkdtemp(folder) || chdir(folder);
}

static int leave(void **state) {
    (void)state;
    return chdir("..") || rmdir(folder);
}

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) {
    log_open(NULL, LOG_INFO, "test");
    unlink("log");
    unlink("log.1");
    return arena_free((struct arena **)state), 0;
}

static struct str file_text(struct arena *a, const char *path) {
    char *text = arena_alloc(a, 65536);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, text, 65536);
    assert_true(n >= 0);
    close(fd);
    return (struct str){text, (size_t)n};
}

/* Cuts one line and takes off its time, which is between `from` and now. */
static struct str next_line(struct str *text, int64_t from) {
    struct str line = str_cut(text, '\n'), time = str_cut(&line, ' ');
    int64_t t = 0;
    assert_int_equal(time.n, strlen("2026-11-21T10:00:00.000Z"));
    assert_true(time_parse(time, &t));
    assert_true(t >= from && t <= clock_now_ms());
    return line;
}

static void test_a_line(void **state) {
    struct arena *a = *state;
    int64_t from = clock_now_ms();
    log_open("log", LOG_INFO, "accolade-fcgi");
    log_line(LOG_INFO, "request", "status=%d ms=%.1f", 200, 1.25);
    log_line(LOG_DEBUG, "request", "not=shown");
    log_line(LOG_WARN, "pool", "n=%s", "1");
    log_line(LOG_ERROR, "pool", "n=%s", "2");
    struct str text = file_text(a, "log");
    long pid = (long)getpid();
    assert_true(str_eq(next_line(&text, from), str_printf(a, "INFO accolade-fcgi[%ld] request status=200 ms=1.2", pid)));
    assert_true(str_eq(next_line(&text, from), str_printf(a, "WARN accolade-fcgi[%ld] pool n=1", pid)));
    assert_true(str_eq(next_line(&text, from), str_printf(a, "ERROR accolade-fcgi[%ld] pool n=2", pid)));
    assert_int_equal(text.n, 0);
}

/* Nothing that got into a value makes a second line or moves a terminal's cursor. */
static void test_control_characters_are_escaped(void **state) {
    struct arena *a = *state;
    log_open("log", LOG_INFO, "test");
    log_line(LOG_INFO, "x", "v=%s", "a\nb\r\t\x1b[2J\x7f\x01 \\n é");
    struct str text = file_text(a, "log"), line = next_line(&text, 0);
    assert_true(str_eq(line, str_printf(a, "INFO test[%ld] x v=a\\nb\\r\\t\\x1b[2J\\x7f\\x01 \\n é", (long)getpid())));
    assert_int_equal(text.n, 0);
}

static void test_long_lines_are_cut(void **state) {
    struct arena *a = *state;
    static const size_t sizes[] = {3900, 4050, 4090, 4095, 4096, 5000, 20000};
    log_open("log", LOG_INFO, "test");
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char *value = arena_alloc(a, sizes[i] + 1);
        memset(value, i % 2 ? '\n' : 'x', sizes[i]);
        log_line(LOG_INFO, "x", "%s", value);
    }
    struct str text = file_text(a, "log");
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct str line = str_cut(&text, '\n');
        bool cut = line.n > 3 && !memcmp(line.p + line.n - 3, "…", 3);
        assert_true(line.n < 4096);
        assert_int_equal(cut, i > 0);
    }
    assert_int_equal(text.n, 0);
}

/* DESIGN 3: the request's id is in every line that is written on its way. */
static void test_the_context_is_behind_every_line(void **state) {
    struct arena *a = *state;
    char *much = arena_alloc(a, 2001);
    memset(much, 'c', 2000);
    log_open("log", LOG_INFO, "test");
    log_context(STR("request_id=r-1"));
    log_line(LOG_INFO, "x", "v=%d", 1);
    log_context(str_of(much));
    log_line(LOG_INFO, "x", "v=%d", 2);
    log_context(STR(""));
    log_line(LOG_INFO, "x", "v=%d", 3);
    struct str text = file_text(a, "log");
    long pid = (long)getpid();
    assert_true(str_eq(next_line(&text, 0), str_printf(a, "INFO test[%ld] x v=1 request_id=r-1", pid)));
    assert_true(str_eq(next_line(&text, 0), str_printf(a, "INFO test[%ld] x v=2 %.1022s", pid, much)));
    assert_true(str_eq(next_line(&text, 0), str_printf(a, "INFO test[%ld] x v=3", pid)));
    assert_int_equal(text.n, 0);
}

/* Lines that are held come in order, whole, with what could not be held any more in front. */
static void test_held_lines_go_out_together(void **state) {
    struct arena *a = *state;
    log_open("log", LOG_INFO, "test");
    log_hold();
    log_line(LOG_INFO, "x", "v=%d", 1);
    assert_int_equal(file_text(a, "log").n, 0);
    for (int i = 2; i <= 40; i++) log_line(LOG_INFO, "x", "v=%d filler=%0250d", i, 0);
    struct str some = file_text(a, "log");
    assert_true(some.n > 0 && some.p[some.n - 1] == '\n');
    log_release();
    log_line(LOG_INFO, "x", "v=%d ", 41);
    struct str text = file_text(a, "log");
    for (int i = 1; i <= 41; i++) {
        struct str line = next_line(&text, 0), wanted = str_printf(a, "INFO test[%ld] x v=%d", (long)getpid(), i);
        assert_true(line.n >= wanted.n && memcmp(line.p, wanted.p, wanted.n) == 0);
    }
    assert_int_equal(text.n, 0);
}

static void test_quotes(void **state) {
    struct arena *a = *state;
    assert_string_equal(log_quote(a, STR("")), "\"\"");
    assert_string_equal(log_quote(a, STR("a b")), "\"a b\"");
    assert_string_equal(log_quote(a, STR("say \"hi\" \\ \n\x01")), "\"say \\\"hi\\\" \\\\ \\n\\x01\"");
    assert_string_equal(log_quote(a, (struct str){"a\0b", 3}), "\"a\\x00b\"");
}

static void test_reopened_after_it_was_moved(void **state) {
    struct arena *a = *state;
    log_open("log", LOG_INFO, "test");
    log_line(LOG_INFO, "x", "n=1");
    assert_int_equal(rename("log", "log.1"), 0);
    log_line(LOG_INFO, "x", "n=2");
    log_reopen();
    log_line(LOG_INFO, "x", "n=3");
    struct str old = file_text(a, "log.1"), new = file_text(a, "log");
    next_line(&old, 0);
    assert_true(str_eq(next_line(&old, 0), str_printf(a, "INFO test[%ld] x n=2", (long)getpid())));
    assert_int_equal(old.n, 0);
    assert_true(str_eq(next_line(&new, 0), str_printf(a, "INFO test[%ld] x n=3", (long)getpid())));
    assert_int_equal(new.n, 0);
}

/* A full disk loses lines, never requests. */
static void test_a_failed_write_is_counted(void **state) {
    (void)state;
    uint64_t before = log_lost();
    log_open("/dev/full", LOG_INFO, "test");
    errno = ENOENT;
    log_line(LOG_INFO, "x", "n=%d", 1);
    assert_int_equal(errno, ENOENT);
    log_line(LOG_DEBUG, "x", "n=%d", 2); /* not meant to be written: not lost */
    log_line(LOG_INFO, "x", "n=%d", 3);
    assert_int_equal(log_lost() - before, 2);
    log_open("log", LOG_INFO, "test");
    log_line(LOG_INFO, "x", "n=%d", 4);
    assert_int_equal(log_lost() - before, 2);
}

static void test_a_file_that_cannot_be_opened_keeps_the_old_one(void **state) {
    struct arena *a = *state;
    log_open("log", LOG_INFO, "test");
    log_open("absent/log", LOG_INFO, "test");
    log_line(LOG_INFO, "x", "n=1");
    struct str text = file_text(a, "log");
    assert_true(str_starts(next_line(&text, 0), "ERROR test["));
    assert_true(str_eq(next_line(&text, 0), str_printf(a, "INFO test[%ld] x n=1", (long)getpid())));
}

static void test_clocks_run(void **state) {
    (void)state;
    int64_t wall = clock_now_ms(), start = clock_monotonic_us();
    assert_true(wall > TIME_MS_MIN && wall < TIME_MS_MAX);
    usleep(3000);
    int64_t passed = clock_monotonic_us() - start;
    assert_true(passed >= 3000 && passed < 5000000);
}

#ifdef ACCOLADE_TEST_CLOCK
static void write_offset(const char *text) {
    FILE *f = fopen("clock", "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void assert_offset(int64_t offset) {
    clock_set_file(NULL);
    int64_t before = clock_now_ms();
    clock_set_file("clock");
    int64_t now = clock_now_ms();
    clock_set_file("");
    int64_t after = clock_now_ms();
    assert_true(now - offset >= before && now - offset <= after);
}

static void test_offset_of_the_clock_file(void **state) {
    (void)state;
    write_offset("86400000\n");
    assert_offset(MS_DAY);
    write_offset("-5000");
    assert_offset(-5000);
    static const char *const nothing[] = {"", "\n", "abc", "12x", "99999999999999999999999999999999999"};
    for (size_t i = 0; i < COUNT(nothing); i++) {
        write_offset(nothing[i]);
        assert_offset(0);
    }
    unlink("clock");
    assert_offset(0);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_control_characters_are_escaped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_lines_are_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_context_is_behind_every_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_held_lines_go_out_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quotes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reopened_after_it_was_moved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failed_write_is_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_cannot_be_opened_keeps_the_old_one, set_up, tear_down),
        cmocka_unit_test(test_clocks_run),
#ifdef ACCOLADE_TEST_CLOCK
        cmocka_unit_test(test_offset_of_the_clock_file),
#endif
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
