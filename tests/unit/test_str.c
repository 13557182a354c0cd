/* Views of bytes, the builder, and the reader of fixed-width encodings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

#define assert_text(s, z) assert_string_equal(str_z(a, (s)), (z))

static void strings_are_compared_bytewise(void **state) {
    (void)state;
    assert_true(str_eq(STR("ab"), STR("ab")));
    assert_false(str_eq(STR("ab"), STR("aB")));
    assert_false(str_eq(STR("ab"), STR("abc")));
    assert_true(str_eq(STR(""), (struct str){NULL, 0}));
    assert_true(str_eq(str_of(NULL), STR("")));
    assert_true(str_is(STR("x"), "x"));
    assert_false(str_is(STR("x\0y"), "x"));
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("ab"), STR("a")) > 0);
    assert_true(str_cmp(STR(""), STR("a")) < 0);
    assert_true(str_cmp(STR("\xc3"), STR("a")) > 0); /* unsigned */
    assert_int_equal(str_cmp((struct str){NULL, 0}, STR("")), 0);
    assert_true(str_starts(STR("acc_live"), "acc_"));
    assert_true(str_starts(STR("a"), ""));
    assert_false(str_starts(STR("ac"), "acc"));
}

static void strings_are_copied_printed_and_cut(void **state) {
    struct arena *a = *state;
    struct str copy = str_copy(a, STR("abc"));
    assert_text(copy, "abc");
    assert_int_equal(str_copy(a, (struct str){NULL, 0}).n, 0);
    assert_string_equal(str_z(a, (struct str){NULL, 0}), "");
    assert_text(str_printf(a, "%d-%s", 7, "x"), "7-x");
    char longer[1001];
    memset(longer, 'y', sizeof longer - 1);
    longer[1000] = '\0';
    assert_text(str_printf(a, "%s", longer), longer);
    assert_int_equal(str_printf(a, "%.255s", longer).n, 255);
    assert_int_equal(str_printf(a, "%.256s", longer).n, 256);

    struct str rest = STR("a//b");
    assert_text(str_cut(&rest, '/'), "a");
    assert_text(str_cut(&rest, '/'), "");
    assert_non_null(rest.p);
    assert_text(str_cut(&rest, '/'), "b");
    assert_true(rest.p == NULL && rest.n == 0);
    rest = STR("a/");
    assert_text(str_cut(&rest, '/'), "a");
    assert_true(rest.p != NULL && rest.n == 0);
}

static void integers_are_read_whole_or_not_at_all(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t lo, hi, value;
        bool good;
    } cases[] = {
        {"0", 0, 9, 0, true},
        {"-0", 0, 9, 0, true},
        {"007", 0, 9, 7, true},
        {"10", 0, 9, 0, false},
        {"-1", 0, 9, 0, false},
        {"", 0, 9, 0, false},
        {"-", -9, 9, 0, false},
        {"+1", 0, 9, 0, false},
        {" 1", 0, 9, 0, false},
        {"1 ", 0, 9, 0, false},
        {"1a", 0, 9, 0, false},
        {"0x1", 0, 9, 0, false},
        {"9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX, true},
        {"9223372036854775808", INT64_MIN, INT64_MAX, 0, false},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN, true},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, 0, false},
        {"99999999999999999999999", INT64_MIN, INT64_MAX, 0, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t v = 77;
        assert_int_equal(str_to_i64(str_of(cases[i].text), cases[i].lo, cases[i].hi, &v), cases[i].good);
        assert_int_equal(v, cases[i].good ? cases[i].value : 77);
    }
}

static void utf8_is_well_formed_or_refused(void **state) {
    (void)state;
    static const char *const good[] = {"",
                                       "a\n",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "gr\xc3\xbc\xc3\x9f"};
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2z",
                                      "\xe0\x9f\xbf",
                                      "\xe2\x82",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "a\xf0\x90\x80",
                                      "\xe2\x82z"};
    for (size_t i = 0; i < COUNT(good); i++) assert_true(str_is_utf8(str_of(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        if (str_is_utf8(str_of(bad[i]))) fail_msg("bad text %zu is taken", i);
    struct str mixed = STR("a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\xff");
    assert_int_equal(str_utf8_at(mixed, 0), 1);
    assert_int_equal(str_utf8_at(mixed, 1), 2);
    assert_int_equal(str_utf8_at(mixed, 2), 0);
    assert_int_equal(str_utf8_at(mixed, 3), 3);
    assert_int_equal(str_utf8_at(mixed, 6), 4);
    assert_int_equal(str_utf8_at(mixed, 10), 0);
    assert_true(str_has_control(STR("a\nb")));
    assert_true(str_has_control(STR("\0")));
    assert_true(str_has_control(STR("\x7f")));
    assert_true(str_has_control(STR("a\xc2\x80")));
    assert_true(str_has_control(STR("\xc2\x9f")));
    assert_false(str_has_control(STR("\xc2\xa0")));
    assert_false(str_has_control(STR(" \xc3\xbc~")));
}

static void a_buffer_grows_to_its_maximum_and_no_further(void **state) {
    struct arena *a = *state;
    struct buf b = buf_new(a, 1000);
    assert_int_equal(buf_str(&b).n, 0);
    for (int i = 0; i < 100; i++) buf_f(&b, "%09d,", i);
    assert_true(buf_ok(&b));
    assert_int_equal(buf_str(&b).n, 1000);
    assert_memory_equal(buf_str(&b).p + 990, "000000099,", 10);
    buf_c(&b, 'x');
    assert_false(buf_ok(&b));
    assert_int_equal(buf_str(&b).n, 1000);
    buf_add(&b, STR(""));
    assert_false(buf_ok(&b)); /* sticky */

    b = buf_new(a, 10);
    buf_z(&b, "12345678");
    buf_z(&b, "abc"); /* does not fit: nothing of it is added, nor of what follows */
    buf_z(&b, "d");
    assert_text(buf_str(&b), "12345678");
    assert_false(buf_ok(&b));

    b = buf_new(a, SIZE_MAX);
    char longer[701];
    memset(longer, 'y', sizeof longer - 1);
    longer[700] = '\0';
    buf_f(&b, "%s", longer);
    assert_text(buf_str(&b), longer);
}

static void encodings_are_big_endian_and_read_back(void **state) {
    struct arena *a = *state;
    struct buf b = buf_new(a, 100);
    buf_u8(&b, 0x01);
    buf_u16(&b, 0x0203);
    buf_u32(&b, 0x04050607);
    buf_u64(&b, 0x08090a0b0c0d0e0f);
    buf_i64(&b, -2);
    buf_bytes(&b, "xyz", 3);
    struct str s = buf_str(&b);
    assert_int_equal(s.n, 26);
    assert_memory_equal(s.p, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\xff\xff\xff\xff\xff\xff\xff\xfexyz", 26);

    struct reader r = reader_of(s);
    assert_int_equal(read_u8(&r), 1);
    assert_int_equal(read_u16(&r), 0x0203);
    assert_int_equal(read_u32(&r), 0x04050607);
    assert_int_equal(read_u64(&r), 0x08090a0b0c0d0e0f);
    assert_int_equal(read_i64(&r), -2);
    assert_false(reader_done(&r));
    assert_text(read_bytes(&r, 3), "xyz");
    assert_true(reader_done(&r));
    assert_int_equal(read_bytes(&r, 0).n, 0);
    assert_true(reader_done(&r));
    assert_int_equal(read_u8(&r), 0);
    assert_true(r.bad);
    assert_false(reader_done(&r));
}

static void a_reader_stays_bad(void **state) {
    (void)state;
    struct reader r = reader_of(STR("abcd"));
    assert_int_equal(read_u64(&r), 0);
    assert_int_equal(read_u8(&r), 0); /* though a byte is there */
    assert_int_equal(read_bytes(&r, 1).n, 0);
    assert_false(reader_done(&r));
    r = reader_of(STR("abcd"));
    assert_int_equal(read_bytes(&r, SIZE_MAX).n, 0);
    assert_true(r.bad);
    r = reader_of((struct str){NULL, 0});
    assert_true(reader_done(&r));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(strings_are_compared_bytewise, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strings_are_copied_printed_and_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(integers_are_read_whole_or_not_at_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(utf8_is_well_formed_or_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_buffer_grows_to_its_maximum_and_no_further, set_up, tear_down),
        cmocka_unit_test_setup_teardown(encodings_are_big_endian_and_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reader_stays_bad, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
