/* The JSON reader and writer (MECHANICS 5, DESIGN 12 invariant 13: malformed input gets a pointer to what is wrong). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/limits.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

static struct str repeat(struct arena *a, const char *part, size_t times, const char *middle, const char *end) {
    struct buf b = buf_new(a, 16 * 1024 * 1024);
    for (size_t i = 0; i < times; i++) buf_z(&b, part);
    buf_z(&b, middle);
    for (size_t i = 0; i < times; i++) buf_z(&b, end);
    assert_true(buf_ok(&b));
    return buf_str(&b);
}

#define assert_text(s, z) assert_string_equal(str_z(a, (s)), (z))

static void assert_refused(struct arena *a, struct str text, enum problem problem, const char *pointer, const char *detail) {
    struct faults faults = faults_new(a);
    struct json v;
    enum problem p = json_parse(a, text, &v, &faults);
    if (p != problem) fail_msg("problem %d, not %d, for: " STR_FMT, p, problem, STR_ARG(text));
    assert_int_equal(faults.list.n, 1);
    assert_int_equal(faults.list.items[0].problem, problem);
    if (pointer) assert_text(faults.list.items[0].pointer, pointer);
    if (detail) assert_text(faults.list.items[0].detail, detail);
}

static struct json parsed(struct arena *a, struct str text) {
    struct faults faults = faults_new(a);
    struct json v;
    if (json_parse(a, text, &v, &faults)) {
        fail_msg("refused (" STR_FMT "): " STR_FMT, STR_ARG(faults.list.items[0].detail), STR_ARG(text));
    }
    return v;
}

/* Each text and what the writer makes of the value read. */
static void texts_that_are_json_are_read(void **state) {
    struct arena *a = *state;
    static const struct {
        const char *text, *written;
    } cases[] = {
        {"null", "null"},
        {" \t\r\n true \n", "true"},
        {"false", "false"},
        {"\"\"", "\"\""},
        {"[]", "[]"},
        {"{}", "{}"},
        {"[ ]", "[]"},
        {"{ }", "{}"},
        {"0", "0"},
        {"-0", "0"},
        {"-0.0", "0"},
        {"-0e5", "0"},
        {"1.0", "1"},
        {"1e3", "1000"},
        {"1E+3", "1000"},
        {"15e-1", "1.5"},
        {"1.15", "1.15"},
        {"-1.5", "-1.5"},
        {"0.1", "0.1"},
        {"1e-400", "0"},
        {"1e308", "1e+308"},
        {"9007199254740992", "9007199254740992"},
        {"-9007199254740992", "-9007199254740992"},
        {"9007199254740993.0", "9007199254740992"},
        {"1e17", "1e+17"},
        {"\"12\"", "\"12\""},
        {"\"\\u0061\\n\\/\\\"\\\\\"", "\"a\\n/\\\"\\\\\""},
        {"\"\\u00e9\\ud83d\\uDE00\"", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"\"\xc3\xa9\xf0\x9f\x98\x80\"", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"\"\\u0001\\u001f\\u007f\"", "\"\\u0001\\u001f\x7f\""},
        {"{\"b\":1,\"a\":[1,{\"c\":null}]}", "{\"b\":1,\"a\":[1,{\"c\":null}]}"},
        {"{\"\":0,\"a\":1,\"A\":2}", "{\"\":0,\"a\":1,\"A\":2}"},
        {"{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}", "{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}"},
        {"[1 , 2\n,3 ]", "[1,2,3]"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json v = parsed(a, str_of(cases[i].text));
        assert_text(json_to_text(a, &v), cases[i].written);
    }
}

#define BAD P_MALFORMED_JSON

static void texts_that_are_not_json_are_refused(void **state) {
    struct arena *a = *state;
    static const struct {
        const char *text;
        enum problem problem;
        const char *pointer, *detail;
    } cases[] = {
        {"", BAD, "", "a value is expected, at byte 0; the text ends here"},
        {"  ", BAD, "", "a value is expected, at byte 2; the text ends here"},
        {"\xef\xbb\xbf{}", BAD, "", "a byte order mark is not allowed, at byte 0"},
        {"NaN", BAD, "", "a value is expected, at byte 0"},
        {"[NaN]", BAD, "/0", "a value is expected, at byte 1"},
        {"Infinity", BAD, "", NULL},
        {"-Infinity", BAD, "", NULL},
        {"nul", BAD, "", NULL},
        {"nullx", BAD, "", "nothing may follow the value, at byte 4"},
        {"True", BAD, "", NULL},
        {"'a'", BAD, "", NULL},
        {"{'a':1}", BAD, "", "a member name in double quotes is expected, at byte 1"},
        {"{a:1}", BAD, "", NULL},
        {"01", BAD, "", "a number has no leading zero, at byte 1"},
        {"-01", BAD, "", "a number has no leading zero, at byte 2"},
        {"+1", BAD, "", NULL},
        {"-", BAD, "", "a digit is expected, at byte 1; the text ends here"},
        {".5", BAD, "", NULL},
        {"1.", BAD, "", NULL},
        {"1.e3", BAD, "", NULL},
        {"1e", BAD, "", NULL},
        {"1e+", BAD, "", NULL},
        {"0x10", BAD, "", NULL},
        {"1 2", BAD, "", "nothing may follow the value, at byte 2"},
        {"{}{}", BAD, "", "nothing may follow the value, at byte 2"},
        {"{} // x", BAD, "", NULL},
        {"/* x */ {}", BAD, "", NULL},
        {"[1,]", BAD, "/1", "a value is expected, at byte 3"},
        {"[,1]", BAD, "/0", NULL},
        {"[1 2]", BAD, "", "',' or ']' is expected, at byte 3"},
        {"[1", BAD, "", "',' or ']' is expected, at byte 2; the text ends here"},
        {"[", BAD, "/0", NULL},
        {"{\"a\":1,}", BAD, "", "a member name in double quotes is expected, at byte 7"},
        {"{\"a\"}", BAD, "/a", "':' is expected, at byte 4"},
        {"{\"a\":}", BAD, "/a", "a value is expected, at byte 5"},
        {"{\"a\":1", BAD, "", NULL},
        {"{\"a", BAD, "", "a string is not closed, at byte 3; the text ends here"},
        {"{\"x\":[0,{\"a/b~c\":tru}]}", BAD, "/x/1/a~1b~0c", "a value is expected, at byte 17"},
        {"]", BAD, "", NULL},
        {"[1}", BAD, "", NULL},
        /* strings */
        {"\"a", BAD, "", NULL},
        {"\"a\nb\"", BAD, "", "a control character in a string must be escaped, at byte 2"},
        {"\"\t\"", BAD, "", NULL},
        {"\"\\x\"", BAD, "", "there is no such escape, at byte 1"},
        {"\"\\", BAD, "", NULL},
        {"\"\\u12\"", BAD, "", "\\u needs four hexadecimal digits, at byte 1"},
        {"\"\\u12g4\"", BAD, "", NULL},
        {"\"\\u0000\"", BAD, "", "\\u0000 is not allowed, at byte 1"},
        {"{\"\\u0000\":1}", BAD, "", NULL},
        {"\"\\ud800\"", BAD, "", "a high surrogate needs a low one behind it, at byte 1"},
        {"\"\\ud800\\u0041\"", BAD, "", NULL},
        {"\"\\ud800\\ud800\"", BAD, "", NULL},
        {"\"\\udc00\"", BAD, "", "a low surrogate needs a high one before it, at byte 1"},
        {"\"\xff\"", BAD, "", "a string is not UTF-8, at byte 0"},
        {"[\"\xc0\xaf\"]", BAD, "/0", "a string is not UTF-8, at byte 1"},
        {"\"\xed\xa0\x80\"", BAD, "", NULL},
        {"\"\xf4\x90\x80\x80\"", BAD, "", NULL},
        {"\"\xe2\x82\"", BAD, "", NULL},
        {"{\"\xe9\":1}", BAD, "", NULL},
        {"\xe9", BAD, "", NULL},
        /* duplicate keys, also where one is escaped */
        {"{\"a\":1,\"a\":2}", BAD, "/a", "a member stands here twice, at byte 7"},
        {"{\"a\":1,\"b\":2,\"\\u0061\":3}", BAD, "/a", "a member stands here twice, at byte 13"},
        {"{\"\xf0\x9f\x98\x80\":1,\"\\uD83D\\uDE00\":3}", BAD, "/\xf0\x9f\x98\x80", NULL},
        {"{\"\xc3\xa9\":1,\"\\u00e9\":3}", BAD, "/\xc3\xa9", NULL},
        {"{\"\xe2\x82\xac\\n\":1,\"\\u20ac\\u000A\":3}", BAD, "/\xe2\x82\xac\n", NULL},
        {"[{\"x\":{\"\":1,\"\":2}}]", BAD, "/0/x/", NULL},
        /* numbers (ENCODINGS: integers beyond ±2^53 are refused) */
        {"9007199254740993", P_NUMBER, "", "an integer beyond 9007199254740992 (2^53) is not kept exactly, at byte 0"},
        {"-9007199254740993", P_NUMBER, "", NULL},
        {"{\"a\":[1,99999999999999999999]}", P_NUMBER, "/a/1", NULL},
        {"18446744073709551616", P_NUMBER, "", NULL},
        {"1e309", P_NUMBER, "", "a number is beyond what a double holds, at byte 0"},
        {"[-1E400]", P_NUMBER, "/0", NULL},
        {"1e99999999999999999999", P_NUMBER, "", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) assert_refused(a, str_of(cases[i].text), cases[i].problem, cases[i].pointer, cases[i].detail);
    assert_refused(a, STR("\"a\0b\""), BAD, "", NULL);
    assert_refused(a, STR("1\0"), BAD, "", "nothing may follow the value, at byte 1");
    assert_refused(a, str_printf(a, "%s.5", str_z(a, repeat(a, "9", 400, "", ""))), P_NUMBER, "", NULL);
    assert_refused(a, (struct str){NULL, 0}, BAD, "", NULL);
}

static void depth_and_number_of_values_are_bounded(void **state) {
    struct arena *a = *state;
    struct json v = parsed(a, repeat(a, "[", JSON_DEPTH_MAX, "", "]"));
    assert_int_equal(v.n, 1);
    parsed(a, repeat(a, "{\"a\":", JSON_DEPTH_MAX, "1", "}"));
    assert_refused(a, repeat(a, "[", JSON_DEPTH_MAX + 1, "", "]"), BAD, "/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0",
                   "the text is nested too deeply, at byte 32");
    assert_refused(a, repeat(a, "[", 1000000, "", ""), BAD, NULL, NULL);

    struct str zeros = repeat(a, "0,", JSON_NODES_MAX - 2, "0", "");
    v = parsed(a, str_printf(a, "[" STR_FMT "]", STR_ARG(zeros)));
    assert_int_equal(v.n, JSON_NODES_MAX - 1);
    assert_refused(a, str_printf(a, "[" STR_FMT ",0]", STR_ARG(zeros)), BAD, NULL, NULL);
}

/* What json_parse took can be read back from the text of ours that was put around it. */
static void a_wrapping_of_ours_may_go_deeper(void **state) {
    struct arena *a = *state;
    struct json v;
    struct faults f = faults_new(a);
    struct str deepest = repeat(a, "[", JSON_DEPTH_MAX + JSON_WRAPPING_MAX, "", "]");
    assert_int_equal(json_parse_wrapped(a, deepest, &v, &f), P_OK);
    assert_int_equal(json_parse(a, deepest, &v, &f), P_MALFORMED_JSON);
    deepest = repeat(a, "[", JSON_DEPTH_MAX + JSON_WRAPPING_MAX + 1, "", "]");
    assert_int_equal(json_parse_wrapped(a, deepest, &v, &f), P_MALFORMED_JSON);
}

/* A quadratic search would take minutes here. */
static void duplicates_in_large_objects_are_found_quickly(void **state) {
    struct arena *a = *state;
    struct buf b = buf_new(a, 16 * 1024 * 1024);
    for (int i = 0; i < 150000; i++) buf_f(&b, "%c\"key-%d\":%d", i ? ',' : '{', i * 7919 % 150000, i);
    struct str members = buf_str(&b);
    struct json v = parsed(a, str_printf(a, STR_FMT "}", STR_ARG(members)));
    assert_int_equal(v.n, 150000);
    assert_text(v.members[1].key, "key-7919");
    assert_refused(a, str_printf(a, STR_FMT ",\"z\":0,\"key-7\":1,\"z\":1,\"key-5\":1}", STR_ARG(members)), BAD, "/key-7", NULL);
}

/* The tokener is used again: what was left of a refused text must not show in the next. */
static void parses_do_not_influence_each_other(void **state) {
    struct arena *a = *state;
    for (int i = 0; i < 3; i++) {
        struct json v = parsed(a, STR("{\"a\":\"b\"}"));
        assert_text(json_to_text(a, &v), "{\"a\":\"b\"}");
        assert_refused(a, STR("{\"a\":[\"b"), BAD, "/a/0", NULL);
        v = parsed(a, STR("7"));
        assert_true(v.type == JSON_NUMBER && v.number == 7);
        v = parsed(a, repeat(a, " ", 70000, "[1]", ""));
        assert_int_equal(v.n, 1);
        v = parsed(a, repeat(a, "", 1, str_z(a, str_printf(a, "\"%s\"", str_z(a, repeat(a, "x", 70000, "", "")))), ""));
        assert_int_equal(v.string.n, 70000);
    }
}

static void values_are_found_and_typed(void **state) {
    struct arena *a = *state;
    struct json v = parsed(a, STR("{\"n\":5,\"f\":5.5,\"big\":1e300,\"s\":\"x\",\"o\":{},\"neg\":-3}"));
    int64_t i = 77;
    assert_true(json_is_integer(json_get(&v, "n"), 5, 5, &i));
    assert_int_equal(i, 5);
    assert_true(json_is_integer(json_get(&v, "neg"), -3, 0, &i));
    assert_int_equal(i, -3);
    assert_false(json_is_integer(json_get(&v, "n"), 6, 9, &i));
    assert_false(json_is_integer(json_get(&v, "n"), 0, 4, &i));
    assert_false(json_is_integer(json_get(&v, "f"), 0, 9, &i));
    assert_false(json_is_integer(json_get(&v, "big"), INT64_MIN, INT64_MAX, &i));
    assert_false(json_is_integer(json_get(&v, "s"), 0, 9, &i));
    assert_false(json_is_integer(NULL, 0, 9, &i));
    assert_int_equal(i, -3);
    assert_null(json_get(&v, "missing"));
    assert_null(json_get(json_get(&v, "n"), "n"));
    assert_null(json_find(NULL, STR("n")));
    assert_ptr_equal(json_find(&v, STR("s")), &v.members[3].value);
    assert_string_equal(json_type_name(v.type), "object");
    assert_string_equal(json_type_name(JSON_NULL), "null");
}

static void equality_ignores_the_order_of_members(void **state) {
    struct arena *a = *state;
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {"{\"a\":1,\"b\":[2,{\"c\":null}]}", "{\"b\":[2,{\"c\":null}],\"a\":1.0}", true},
        {"{\"a\":1}", "{\"a\":2}", false},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"[1,2]", "[2,1]", false},
        {"\"a\"", "\"a\"", true},
        {"\"a\"", "\"b\"", false},
        {"1", "\"1\"", false},
        {"0", "-0", true},
        {"true", "false", false},
        {"null", "null", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json x = parsed(a, str_of(cases[i].a)), y = parsed(a, str_of(cases[i].b));
        assert_int_equal(json_equal(&x, &y), cases[i].equal);
    }
    struct buf up = buf_new(a, 4 * 1024 * 1024), down = buf_new(a, 4 * 1024 * 1024);
    for (int i = 0; i < 100000; i++) {
        buf_f(&up, "%c\"k%d\":%d", i ? ',' : '{', i, i);
        buf_f(&down, "%c\"k%d\":%d", i ? ',' : '{', 99999 - i, i == 99999 ? 1 : 99999 - i);
    }
    buf_c(&up, '}');
    buf_c(&down, '}');
    struct json x = parsed(a, buf_str(&up)), y = parsed(a, buf_str(&down));
    assert_false(json_equal(&x, &y)); /* k0 differs */
    assert_true(json_equal(&x, &x));
}

static void the_writer_puts_commas_and_escapes(void **state) {
    struct arena *a = *state;
    struct buf b = buf_new(a, 4096);
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    json_key(&w, "a");
    json_open_array(&w);
    json_open_object(&w);
    json_close_object(&w);
    json_put_i64(&w, INT64_MIN);
    json_put_i64(&w, INT64_MAX);
    json_put_bool(&w, true);
    json_put_null(&w);
    json_put_z(&w, NULL);
    json_put_z(&w, "\b\f\r\t\x01");
    json_put_str(&w, STR("bad \xff\xe2\x82 end\xc3"));
    json_put_str(&w, STR("nul \0"));
    json_close_array(&w);
    json_key_str(&w, STR("k\"ey"));
    json_put_raw(&w, STR("[1]"));
    json_close_object(&w);
    assert_int_equal(w.depth, 0);
    assert_text(buf_str(&b), "{\"a\":[{},-9223372036854775808,9223372036854775807,true,null,null,\"\\b\\f\\r\\t\\u0001\","
                             "\"bad \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd end\xef\xbf\xbd\",\"nul \\u0000\"],\"k\\\"ey\":[1]}");
}

static void doubles_are_written_shortest(void **state) {
    struct arena *a = *state;
    const struct {
        double d;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "0"},
        {5, "5"},
        {-5, "-5"},
        {0.5, "0.5"},
        {1.15, "1.15"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {114.99999999999999, "114.99999999999999"},
        {9007199254740992.0, "9007199254740992"},
        {9007199254740994.0, "9007199254740994.0"}, /* without a point the reader would refuse it */
        {123456789012345680.0, "1.2345678901234568e+17"},
        {1e15, "1000000000000000"},
        {1e22, "1e+22"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {5e-324, "5e-324"},
        {1e-7, "1e-07"},
        {NAN, "null"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf b = buf_new(a, 64);
        struct json_writer w = json_writer_of(&b);
        json_put_double(&w, cases[i].d);
        assert_text(buf_str(&b), cases[i].text);
        if (isfinite(cases[i].d) && fabs(cases[i].d) < 1e300) assert_true(parsed(a, buf_str(&b)).number == cases[i].d);
    }
}

static void thousandths_are_written_without_trailing_zeros(void **state) {
    struct arena *a = *state;
    static const struct {
        int64_t v;
        const char *text;
    } cases[] = {
        {0, "0"},       {76500, "76.5"}, {76000, "76"},  {1, "0.001"},
        {-500, "-0.5"}, {10, "0.01"},    {-10, "-0.01"}, {INT64_MIN, "-9223372036854775.808"},
        {1010, "1.01"}, {100, "0.1"},    {999, "0.999"}, {-1000, "-1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf b = buf_new(a, 64);
        struct json_writer w = json_writer_of(&b);
        json_put_thousandths(&w, cases[i].v);
        assert_text(buf_str(&b), cases[i].text);
    }
}

/* Cut and bent at every byte, a text is either read or refused with exactly one fault, and never crashes the reader. What is
 * read is written as a text that reads as the same value. */
static void damaged_texts_are_read_or_refused(void **state) {
    struct arena *a = *state;
    static const char whole[] =
        "{\"source\":\"dialer\",\"id\":\"c-8841\",\"n\":[1,-2.5e3,true,null,{\"\\u00e9\\ud83d\\ude00\":\"\xc3\xa9\"}]}";
    static const char bytes[] = "\"\\{}[],:0-eu.x \xff\x01";
    for (size_t i = 0; i < sizeof whole - 1; i++) {
        struct faults cut = faults_new(a);
        struct json v;
        assert_int_equal(json_parse(a, (struct str){whole, i}, &v, &cut), BAD);
        for (size_t j = 0; j < sizeof bytes; j++) {
            char *bent = arena_copy(a, whole, sizeof whole - 1);
            bent[i] = bytes[j];
            struct faults faults = faults_new(a);
            enum problem problem = json_parse(a, (struct str){bent, sizeof whole - 1}, &v, &faults);
            assert_int_equal(faults.list.n, problem ? 1 : 0);
            if (problem) continue;
            struct json again = parsed(a, json_to_text(a, &v));
            assert_true(json_equal(&v, &again));
        }
        arena_reset(a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(texts_that_are_json_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_that_are_not_json_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(depth_and_number_of_values_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrapping_of_ours_may_go_deeper, set_up, tear_down),
        cmocka_unit_test_setup_teardown(duplicates_in_large_objects_are_found_quickly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parses_do_not_influence_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(values_are_found_and_typed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(equality_ignores_the_order_of_members, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_writer_puts_commas_and_escapes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(doubles_are_written_shortest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(thousandths_are_written_without_trailing_zeros, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_texts_are_read_or_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
