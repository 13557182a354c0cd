/* base/trap.h: who falls where a test has planted an end, and how often. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/trap.h"

#ifdef ACCOLADE_TEST_TRAPS

enum { WALKERS = 8 };

static void plant(const char *point, const char *text) {
    FILE *f = fopen(point, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void comes_to_point(void) { trap("here"); }
static void works_on_item(void) { trap_item(STR("e1")); }

/* How a process ends that does this: by which signal, 0: it goes on. One that was stopped is told to go on. */
static int fate(void (*does)(void)) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        does();
        _exit(0);
    }
    assert_true(child > 0 && waitpid(child, &status, WUNTRACED) == child);
    if (WIFSTOPPED(status)) {
        int signal = WSTOPSIG(status);
        assert_int_equal(kill(child, SIGCONT), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        return signal;
    }
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static void test_a_trap_fells_one(void **state) {
    (void)state;
    assert_int_equal(fate(comes_to_point), 0);
    plant("here", "kill");
    assert_int_equal(fate(comes_to_point), SIGKILL);
    assert_int_equal(access("here", F_OK), -1);
    assert_int_equal(fate(comes_to_point), 0);
    plant("here", "stop\n");
    assert_int_equal(fate(comes_to_point), SIGSTOP);
    assert_int_equal(fate(comes_to_point), 0);
    plant("elsewhere", "kill");
    assert_int_equal(fate(comes_to_point), 0);
}

static void test_of_many_at_once_one_falls(void **state) {
    (void)state;
    pid_t children[WALKERS];
    int ready[2], status, fallen = 0;
    char go;
    plant("here", "kill");
    assert_int_equal(pipe(ready), 0);
    for (int i = 0; i < WALKERS; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            close(ready[1]);
            if (read(ready[0], &go, 1) != 0) _exit(1); /* the end of the pipe is the start for all */
            trap("here");
            _exit(0);
        }
    }
    close(ready[0]);
    close(ready[1]);
    for (int i = 0; i < WALKERS; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        fallen += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    }
    assert_int_equal(fallen, 1);
}

static void test_an_item_fells_all(void **state) {
    (void)state;
    plant("item-e1", "kill");
    assert_int_equal(fate(works_on_item), SIGKILL);
    assert_int_equal(fate(works_on_item), SIGKILL);
    assert_int_equal(unlink("item-e1"), 0);
    assert_int_equal(fate(works_on_item), 0);
}

static void test_no_folder_no_traps(void **state) {
    (void)state;
    plant("here", "kill");
    trap_set_dir("");
    assert_int_equal(fate(comes_to_point), 0);
    trap_set_dir(".");
    assert_int_equal(fate(comes_to_point), SIGKILL);
}

static char folder[] = "accolade-trap-XXXXXX";

static int enter(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    trap_set_dir(".");
    return chdir(base && *base ? base : P_tmpdir) || !mkdtemp(folder) || chdir(folder);
}

static int leave(void **state) {
    (void)state;
    unlink("elsewhere");
    return chdir("..") || rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_trap_fells_one),
        cmocka_unit_test(test_of_many_at_once_one_falls),
        cmocka_unit_test(test_an_item_fells_all),
        cmocka_unit_test(test_no_folder_no_traps),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}

#else

int main(void) { return 0; }

#endif
