/* The table of problems, and the faults of a document (DESIGN 3, "Errors"). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/limits.h"
#include "base/problem.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

#define assert_text(s, z) assert_string_equal(str_z(a, (s)), (z))

static void every_problem_has_a_status_a_code_and_a_title(void **state) {
    (void)state;
    for (int p = P_OK + 1; p < P__MAX; p++) {
        const struct problem_row *row = problem_row((enum problem)p);
        assert_true(row->status >= 400 && row->status <= 599);
        assert_true(strlen(row->title) > 10);
        assert_true(strlen(row->code) > 2);
        assert_int_equal(strspn(row->code, "abcdefghijklmnopqrstuvwxyz-"), strlen(row->code));
        for (int q = P_OK + 1; q < p; q++) assert_string_not_equal(row->code, problem_row((enum problem)q)->code);
    }
    assert_int_equal(problem_row(P_OK)->status, 200);
    assert_int_equal(problem_row(P_INSUFFICIENT)->status, 409); /* SEMANTICS 22 */
    assert_string_equal(problem_row(P_INSUFFICIENT)->code, "insufficient-points");
    assert_int_equal(problem_row(P_EVENT_REUSED)->status, 422); /* SEMANTICS 2 */
    assert_int_equal(problem_row(P_ERASED)->status, 410);       /* SEMANTICS 39 */
}

static void pointers_are_escaped(void **state) {
    struct arena *a = *state;
    struct str p = pointer_child(a, STR(""), STR("a/b~c"));
    assert_text(p, "/a~1b~0c");
    assert_text(pointer_index(a, p, 12), "/a~1b~0c/12");
    assert_text(pointer_child(a, p, STR("")), "/a~1b~0c/");
    assert_text(pointer_child(a, STR(""), STR("~1")), "/~01");
}

static void faults_are_kept_up_to_their_limit(void **state) {
    struct arena *a = *state;
    struct faults f = faults_new(a);
    char pointer[] = "/x";
    assert_int_equal(fault_add(&f, P_NUMBER, (struct str){pointer, 2}, "%d is too %s", 7, "odd"), P_NUMBER);
    pointer[1] = 'y'; /* the pointer was copied */
    assert_int_equal(f.list.items[0].problem, P_NUMBER);
    assert_text(f.list.items[0].pointer, "/x");
    assert_text(f.list.items[0].detail, "7 is too odd");
    for (int i = 1; i < FAULTS_MAX + 5; i++) assert_int_equal(fault_add(&f, P_VALIDATION, STR(""), "n"), P_VALIDATION);
    assert_int_equal(f.list.n, FAULTS_MAX);
    assert_int_equal(f.more, 5);
    assert_int_equal(fault_say(&f, P_CURSOR, "after %d", 5), P_CURSOR);
    assert_text(f.detail, "after 5");
}

static void a_long_detail_is_cut_between_characters(void **state) {
    struct arena *a = *state;
    for (int shift = 0; shift < 4; shift++) {
        struct buf b = buf_new(a, 4096);
        for (int i = 0; i < shift; i++) buf_c(&b, 'x');
        for (int i = 0; i < 400; i++) buf_z(&b, "\xe2\x82\xac");
        struct faults f = faults_new(a);
        fault_say(&f, P_VALIDATION, STR_FMT, STR_ARG(buf_str(&b)));
        assert_true(f.detail.n >= 509 && f.detail.n < 512);
        assert_true(str_is_utf8(f.detail));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_problem_has_a_status_a_code_and_a_title, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pointers_are_escaped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(faults_are_kept_up_to_their_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_detail_is_cut_between_characters, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
