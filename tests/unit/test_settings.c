/* Settings: file, then environment; what is wrong is refused with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/settings.h"

static char folder[] = "accolade-test-XXXXXX";

/* In a folder of its own, so that the file is always called accolade.conf. */
static int enter(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    if (chdir(base && *base ? base : P_tmpdir) || !mkdtemp(folder) || chdir(folder)) return -1;
    unsetenv("ACCOLADE_CONF");
    return 0;
}

static int leave(void **state) {
    (void)state;
    unlink("accolade.conf");
    return chdir("..") || rmdir(folder);
}

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) {
    unsetenv("ACCOLADE_CONF");
    unsetenv("ACCOLADE_DB_PORT");
    unsetenv("ACCOLADE_DB_PASSWORD");
    return arena_free((struct arena **)state), 0;
}

static void write_conf(struct str text) {
    FILE *f = fopen("accolade.conf", "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    assert_int_equal(fclose(f), 0);
}

static struct settings loaded(struct arena *a, const char *path) {
    struct settings s;
    struct str error = STR("");
    if (!settings_load(a, path, &s, &error)) fail_msg("refused: " STR_FMT, STR_ARG(error));
    return s;
}

static void assert_refused(struct arena *a, struct str text, const char *expected) {
    struct settings s = {.db_port = 77};
    struct str error = STR("");
    write_conf(text);
    assert_false(settings_load(a, "accolade.conf", &s, &error));
    assert_string_equal(str_z(a, error), expected);
    assert_int_equal(s.db_port, 77); /* nothing is taken of a file that is refused */
}

static void test_defaults(void **state) {
    struct settings s = loaded(*state, NULL);
    assert_int_equal(s.db_port, 3306);
    assert_int_equal(s.identity_days, 90);
    assert_int_equal(s.outcome_days, 400);
    assert_string_equal(s.db_socket, "/run/mysqld/mysqld.sock");
    assert_string_equal(s.db_password, "");
    assert_string_equal(s.env, "live");
}

static void test_file(void **state) {
    write_conf(STR("# a comment\n"
                   "\n"
                   "db_port = 3307\n"
                   "  db_name=points  \r\n"
                   "\tdb_password =  a # b = c \n"
                   "db_socket =\n"
                   "log_level = 0"));
    struct settings s = loaded(*state, "accolade.conf");
    assert_int_equal(s.db_port, 3307);
    assert_string_equal(s.db_name, "points");
    assert_string_equal(s.db_password, "a # b = c");
    assert_string_equal(s.db_socket, "");
    assert_int_equal(s.log_level, 0);
    assert_string_equal(s.db_user, "accolade");
}

static void test_file_of_the_environment(void **state) {
    write_conf(STR("db_port = 3308\n"));
    setenv("ACCOLADE_CONF", "accolade.conf", 1);
    assert_int_equal(loaded(*state, NULL).db_port, 3308);
    setenv("ACCOLADE_DB_PORT", " 3309 ", 1);
    setenv("ACCOLADE_DB_PASSWORD", "from outside", 1);
    assert_int_equal(loaded(*state, NULL).db_port, 3309);
    assert_string_equal(loaded(*state, NULL).db_password, "from outside");
}

static void test_refusals_say_where_and_what(void **state) {
    struct arena *a = *state;
    assert_refused(a, STR("\n# c\n\n\n\n\nfoo = 1\n"), "accolade.conf:7: unknown setting 'foo'");
    assert_refused(a, STR("db_port = 1\ndb_port = 1\n"), "accolade.conf:2: duplicate setting 'db_port'");
    assert_refused(a, STR("db_port\n"), "accolade.conf:1: expected 'name = value'");
    assert_refused(a, STR("= 5\n"), "accolade.conf:1: unknown setting ''");
    assert_refused(a, STR("DB_PORT = 5\n"), "accolade.conf:1: unknown setting 'DB_PORT'");
    assert_refused(a, STR("a\x1b[2Jb = 5\n"), "accolade.conf:1: unknown setting");
    static const char port[] = "accolade.conf:1: 'db_port' must be a whole number from 1 to 65535 (port)";
    static const char *const values[] = {"0", "65536", "", "12abc", "1.5", "0x10", "+5", "1e3", "99999999999999999999", "# none"};
    for (size_t i = 0; i < COUNT(values); i++) assert_refused(a, str_printf(a, "db_port = %s\n", values[i]), port);
}

static void test_refusals_are_told_all_at_once(void **state) {
    struct arena *a = *state;
    setenv("ACCOLADE_LOG_LEVEL", "loud", 1);
    assert_refused(a, STR("foo = 1\ndb_port = 0\n\ndb_name = a\ndb_name = a\tb\nwords\n"),
                   "accolade.conf:1: unknown setting 'foo'\n"
                   "accolade.conf:2: 'db_port' must be a whole number from 1 to 65535 (port)\n"
                   "accolade.conf:5: duplicate setting 'db_name'\n"
                   "accolade.conf:5: 'db_name' must be text of at most 1024 bytes without control characters\n"
                   "accolade.conf:6: expected 'name = value'\n"
                   "environment ACCOLADE_LOG_LEVEL: 'log_level' must be a whole number from 0 to 3 (0–3)");
    unsetenv("ACCOLADE_LOG_LEVEL");
    struct buf text = buf_new(a, SIZE_MAX), told = buf_new(a, SIZE_MAX);
    for (int i = 1; i <= 22; i++) {
        buf_z(&text, "x\n");
        if (i <= 20) buf_f(&told, "accolade.conf:%d: expected 'name = value'\n", i);
    }
    buf_z(&told, "2 more like these");
    assert_refused(a, buf_str(&text), str_z(a, buf_str(&told)));
}

/* A value is not repeated: it may be a secret in the wrong line. */
static void test_texts_are_plain(void **state) {
    struct arena *a = *state;
    static const char expected[] = "accolade.conf:1: 'db_name' must be text of at most 1024 bytes without control characters";
    assert_refused(a, STR("db_name = a\tb\n"), expected);
    assert_refused(a, STR("db_name = a\0b\n"), expected);
    char *text = arena_alloc(a, 2000);
    memset(text, 'x', 2000);
    assert_refused(a, str_printf(a, "db_name = %.1025s", text), expected);
    write_conf(str_printf(a, "db_name = %.1024s", text));
    assert_int_equal(strlen(loaded(a, "accolade.conf").db_name), 1024);
}

static void test_environment_is_checked_too(void **state) {
    struct settings s;
    struct str error;
    setenv("ACCOLADE_DB_PORT", "70000", 1);
    assert_false(settings_load(*state, NULL, &s, &error));
    assert_string_equal(str_z(*state, error), "environment ACCOLADE_DB_PORT: 'db_port' must be a whole number from 1 to 65535 (port)");
}

static void test_files_that_cannot_be_read(void **state) {
    struct arena *a = *state;
    struct settings s;
    struct str error;
    assert_false(settings_load(a, "absent.conf", &s, &error));
    assert_string_equal(str_z(a, error), "absent.conf: No such file or directory");
    assert_false(settings_load(a, ".", &s, &error));
    assert_string_equal(str_z(a, error), ".: Is a directory");
    char *large = arena_alloc(a, 70000);
    memset(large, '\n', 70000);
    assert_refused(a, (struct str){large, 70000}, "accolade.conf: larger than 65536 bytes");
}

/* What is printed can be loaded again and says the same, but for the secrets. */
static void test_print_is_a_file(void **state) {
    struct arena *a = *state;
    setenv("ACCOLADE_DB_PORT", "4444", 1);
    setenv("ACCOLADE_DB_PASSWORD", "do not show", 1);
    struct settings s = loaded(a, NULL);
    struct buf out = buf_new(a, 64 * 1024), again = buf_new(a, 64 * 1024);
    settings_print(a, &s, &out);
    assert_true(buf_ok(&out));
    char *text = str_z(a, buf_str(&out));
    assert_non_null(strstr(text, "# the database's port (1–65535 port)\ndb_port = 4444\n"));
    assert_non_null(strstr(text, "\ndb_password = ******\n"));
    assert_null(strstr(text, "do not show"));
    unsetenv("ACCOLADE_DB_PORT");
    unsetenv("ACCOLADE_DB_PASSWORD");
    write_conf(buf_str(&out));
    s = loaded(a, "accolade.conf");
    settings_print(a, &s, &again);
    assert_string_equal(str_z(a, buf_str(&again)), text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_file_of_the_environment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals_say_where_and_what, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals_are_told_all_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_texts_are_plain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_environment_is_checked_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_that_cannot_be_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_print_is_a_file, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
