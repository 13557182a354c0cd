/* What the command shows to people: widths, tables, lines of JSON, differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/diff.h"
#include "cli/table.h"
#include "cli/text.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

static void same(struct arena *a, struct str got, const char *expected) { assert_string_equal(str_z(a, got), expected); }

/* ---- text ---- */

static void test_width_is_that_of_a_terminal(void **state) {
    (void)state;
    assert_int_equal(text_width(STR("")), 0);
    assert_int_equal(text_width(STR("agent-17")), 8);
    assert_int_equal(text_width(STR("Zoë Ångström")), 12);
    assert_int_equal(text_width(STR("e\xCC\x81t\xC3\xA9")), 3); /* a combining accent takes no room */
    assert_int_equal(text_width(STR("山田")), 4);
    assert_int_equal(text_width(STR("\xFF!")), 2); /* what is no UTF-8: one for each byte */
}

static void test_cut_to_a_width(void **state) {
    struct arena *a = *state;
    same(a, text_cut(a, STR("call-completed"), 14), "call-completed");
    same(a, text_cut(a, STR("call-completed"), 13), "call-complet…");
    same(a, text_cut(a, STR("Ångström"), 4), "Ång…");
    same(a, text_cut(a, STR("山田太郎"), 6), "山田…"); /* no half of a wide character */
    same(a, text_cut(a, STR("山田"), 1), "…");
}

static void test_nothing_steers_the_terminal(void **state) {
    struct arena *a = *state;
    same(a, text_plain(a, STR("Zoë")), "Zoë");
    same(a, text_plain(a, STR("\033[2Jgone\n")), "\xEF\xBF\xBD[2Jgone\xEF\xBF\xBD");
    same(a,
         text_plain(a, STR("\xC2\x9B"
                           "31mred")),
         "\xEF\xBF\xBD"
         "31mred"); /* C1: the one-character CSI */
    same(a, text_plain(a, STR("a\xFF")), "a\xEF\xBF\xBD");
}

static void test_times_for_people(void **state) {
    struct arena *a = *state;
    same(a, text_time(a, STR("2026-11-21T10:00:00.000Z")), "2026-11-21 10:00:00");
    same(a, text_time(a, STR("never")), "never");
}

static void test_colours_only_where_wanted(void **state) {
    struct arena *a = *state;
    struct buf b = buf_new(a, 1000);
    colour_add(&b, false, COLOUR_RED, STR("plain "));
    colour_add(&b, true, COLOUR_NONE, STR("plain "));
    colour_add(&b, true, COLOUR_GREEN, STR("green"));
    same(a, buf_str(&b), "plain plain \033[32mgreen\033[0m");
}

/* ---- tables ---- */

static const struct column columns[] = {
    {"MEMBER", "member", COLUMN_TEXT}, {"POINTS", "points", COLUMN_NUMBER}, {"SINCE", "since", COLUMN_TIME}, {"TAGS", "tags", COLUMN_LONG}};

static struct str table_text(struct arena *a, const char *rows, struct table_style style) {
    struct json v;
    struct faults f = faults_new(a);
    struct table t = table_of(a, columns, COUNT(columns));
    struct buf b = buf_new(a, 10000);
    assert_int_equal(json_parse(a, str_of(rows), &v, &f), P_OK);
    table_add_rows(&t, &v);
    table_write(&t, &style, &b);
    return buf_str(&b);
}

static const char some_rows[] = "[{\"member\":\"Zoë\",\"points\":7,\"since\":\"2026-11-21T10:00:00.000Z\",\"tags\":[\"red\",\"blue\"]},"
                                "{\"member\":\"山田\",\"points\":-1234.5,\"since\":null,\"tags\":\"a text that is rather long\"},"
                                "{\"member\":\"x\\u001b\",\"points\":0,\"tags\":{\"a\":[1]}}]";

static void test_columns_line_up(void **state) {
    struct arena *a = *state;
    same(a, table_text(a, some_rows, (struct table_style){.none = "none"}),
         "MEMBER   POINTS  SINCE                TAGS\n"
         "Zoë           7  2026-11-21 10:00:00  red, blue\n"
         "山田    -1234.5  -                    a text that is rather long\n"
         "x\xEF\xBF\xBD            0  -                    {\"a\":[1]}\n");
}

static void test_a_table_fits_the_terminal(void **state) {
    struct arena *a = *state;
    same(a, table_text(a, some_rows, (struct table_style){.none = "none", .columns = 52, .indent = 2}),
         "  MEMBER   POINTS  SINCE                TAGS\n"
         "  Zoë           7  2026-11-21 10:00:00  red, blue\n"
         "  山田    -1234.5  -                    a text that…\n"
         "  x\xEF\xBF\xBD            0  -                    {\"a\":[1]}\n");
    /* never narrower than can be read */
    same(a,
         table_text(a, "[{\"member\":\"m\",\"points\":1,\"since\":null,\"tags\":\"0123456789abc\"}]",
                    (struct table_style){.none = "none", .columns = 5}),
         "MEMBER  POINTS  SINCE  TAGS\n"
         "m            1  -      012345678…\n");
}

static void test_a_table_without_rows(void **state) {
    struct arena *a = *state;
    same(a, table_text(a, "[]", (struct table_style){.none = "There are none.", .indent = 2}), "  There are none.\n");
}

/* ---- lines and differences ---- */

static struct lines lines_of(struct arena *a, const char *text) {
    struct json v;
    struct faults f = faults_new(a);
    struct lines out = {0};
    assert_int_equal(json_parse(a, str_of(text), &v, &f), P_OK);
    json_lines(a, &v, &out);
    return out;
}

static struct str joined(struct arena *a, const struct lines *lines) {
    struct buf b = buf_new(a, 100000);
    for (size_t i = 0; i < lines->n; i++) buf_f(&b, STR_FMT "\n", STR_ARG(lines->items[i]));
    return buf_str(&b);
}

static void test_what_fits_stays_on_a_line(void **state) {
    struct arena *a = *state;
    struct lines got = lines_of(
        a, "{\"on\":[\"a\",\"b\"],\"grant\":[{\"currency\":\"points\",\"amount\":10,\"factors\":[{\"when\":{\"===\":[{\"var\":\"x\"},5]},"
           "\"multiply\":2}]}],\"none\":[],\"text\":\"\\u001b\\u009b\",\"z\":{}}");
    same(a, joined(a, &got),
         "{\n"
         "  \"on\": [\"a\", \"b\"],\n"
         "  \"grant\": [\n"
         "    {\n"
         "      \"currency\": \"points\",\n"
         "      \"amount\": 10,\n"
         "      \"factors\": [{\"when\": {\"===\": [{\"var\": \"x\"}, 5]}, \"multiply\": 2}]\n"
         "    }\n"
         "  ],\n"
         "  \"none\": [],\n"
         "  \"text\": \"\\u001b\xEF\xBF\xBD\",\n"
         "  \"z\": {}\n"
         "}\n");
}

static struct str diff_text(struct arena *a, const char *before, const char *after, size_t context) {
    static const char signs[] = {[DIFF_SAME] = ' ', [DIFF_REMOVED] = '-', [DIFF_ADDED] = '+', [DIFF_SKIPPED] = ':'};
    struct lines x = lines_of(a, before), y = lines_of(a, after);
    struct diff diff = {0};
    struct buf b = buf_new(a, 1000000);
    diff_lines(a, &x, &y, context, &diff);
    for (size_t i = 0; i < diff.n; i++) buf_f(&b, "%c" STR_FMT "\n", signs[diff.items[i].mark], STR_ARG(diff.items[i].text));
    return buf_str(&b);
}

static void test_only_what_differs(void **state) {
    struct arena *a = *state;
    same(a, diff_text(a, "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6}", "{\"a\":1,\"b\":2,\"c\":3,\"d\":40,\"e\":5,\"f\":6}", 1),
         ":…\n"
         "   \"c\": 3,\n"
         "-  \"d\": 4,\n"
         "+  \"d\": 40,\n"
         "   \"e\": 5,\n"
         ":…\n");
    /* a comma that had to come behind the line before is no difference; a single line is not skipped */
    same(a, diff_text(a, "{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2,\"c\":3}", 1),
         ":…\n"
         "   \"b\": 2,\n"
         "+  \"c\": 3\n"
         " }\n");
    same(a, diff_text(a, "{\"a\":1,\"b\":2,\"c\":3}", "{\"b\":2,\"c\":3}", 1),
         " {\n"
         "-  \"a\": 1,\n"
         "   \"b\": 2,\n"
         ":…\n");
}

/* From nothing, and to nothing. */
static void test_all_of_it(void **state) {
    struct arena *a = *state;
    struct lines some = lines_of(a, "{\"a\":1}"), none = {0};
    struct diff added = {0}, removed = {0};
    diff_lines(a, &none, &some, 3, &added);
    diff_lines(a, &some, &none, 3, &removed);
    assert_int_equal(added.n, 3);
    assert_int_equal(removed.n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(added.items[i].mark, DIFF_ADDED);
        assert_int_equal(removed.items[i].mark, DIFF_REMOVED);
    }
}

/* Applying a difference to what was before gives what is after, whatever the two are. */
static void test_nothing_is_lost(void **state) {
    struct arena *a = *state;
    uint32_t seed = 7;
    for (int round = 0; round < 300; round++) {
        struct lines sides[2] = {{0}, {0}};
        for (int s = 0; s < 2; s++) {
            seed = seed * 1103515245 + 12345;
            for (uint32_t i = 0, n = seed >> 16 & 15; i < n; i++) {
                seed = seed * 1103515245 + 12345;
                *LIST_PUSH(a, &sides[s]) = str_printf(a, "%u", seed >> 16 & 3);
            }
        }
        struct diff diff = {0};
        diff_lines(a, &sides[0], &sides[1], 100, &diff);
        size_t x = 0, y = 0;
        for (size_t i = 0; i < diff.n; i++) {
            assert_true(diff.items[i].mark != DIFF_SKIPPED);
            if (diff.items[i].mark != DIFF_ADDED) assert_true(str_eq(diff.items[i].text, sides[0].items[x++]));
            if (diff.items[i].mark != DIFF_REMOVED) assert_true(str_eq(diff.items[i].text, sides[1].items[y++]));
        }
        assert_int_equal(x, sides[0].n);
        assert_int_equal(y, sides[1].n);
    }
}

/* Too long to be compared line by line: still whole. */
static void test_very_long_differences(void **state) {
    struct arena *a = *state;
    struct lines x = {0}, y = {0};
    struct diff diff = {0};
    for (int i = 0; i < 3000; i++) {
        *LIST_PUSH(a, &x) = str_printf(a, "x%d", i);
        *LIST_PUSH(a, &y) = str_printf(a, "y%d", i);
    }
    diff_lines(a, &x, &y, 3, &diff);
    assert_int_equal(diff.n, 6000);
    assert_int_equal(diff.items[0].mark, DIFF_REMOVED);
    assert_int_equal(diff.items[5999].mark, DIFF_ADDED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_width_is_that_of_a_terminal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cut_to_a_width, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_steers_the_terminal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_times_for_people, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_colours_only_where_wanted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_columns_line_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_table_fits_the_terminal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_table_without_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_fits_stays_on_a_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_only_what_differs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_of_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_very_long_differences, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
