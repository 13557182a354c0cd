/* The arena: memory of one request. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/must.h"

static void pieces_are_zeroed_and_aligned(void **state) {
    (void)state;
    struct arena *a = arena_new();
    static const size_t sizes[] = {0, 1, 7, 16, 17, 100, 4096, 16 * 1024, 100 * 1024, 3 * 1024 * 1024};
    for (int round = 0; round < 3; round++) {
        size_t total = 0;
        for (size_t k = 0; k < 200; k++) {
            size_t n = sizes[k % COUNT(sizes)];
            unsigned char *p = arena_alloc(a, n);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 16, 0);
            for (size_t i = 0; i < n; i++)
                if (p[i]) fail_msg("byte %zu of %zu is not 0", i, n);
            memset(p, 0xa5, n); /* seen by the next round if a chunk is kept and not zeroed */
            total += n;
        }
        assert_int_equal(arena_used(a), total);
        arena_reset(a);
        assert_int_equal(arena_used(a), 0);
    }
    arena_free(&a);
    assert_null(a);
    arena_free(&a);
}

static void pieces_do_not_overlap(void **state) {
    (void)state;
    struct arena *a = arena_new();
    struct {
        unsigned char *p;
        size_t n;
    } pieces[500];
    for (size_t k = 0; k < COUNT(pieces); k++) {
        pieces[k].n = (k * 7919) % (k % 50 ? 300 : 40000);
        pieces[k].p = memset(arena_alloc(a, pieces[k].n), (int)(k % 251), pieces[k].n);
    }
    for (size_t k = 0; k < COUNT(pieces); k++)
        for (size_t i = 0; i < pieces[k].n; i++)
            if (pieces[k].p[i] != k % 251) fail_msg("piece %zu was overwritten", k);
    arena_free(&a);
}

static void copies_and_lists_keep_their_content(void **state) {
    (void)state;
    struct arena *a = arena_new();
    assert_string_equal(arena_copy(a, "abc", 4), "abc");
    assert_non_null(arena_copy(a, NULL, 0));
    LIST(int64_t) list = {0};
    for (int64_t i = 0; i < 1000; i++) {
        int64_t *item = LIST_PUSH(a, &list);
        assert_int_equal(*item, 0);
        *item = i * i;
    }
    assert_int_equal(list.n, 1000);
    for (int64_t i = 0; i < 1000; i++) assert_int_equal(list.items[i], i * i);
    int64_t *array = NEW_ARRAY(a, int64_t, 3);
    assert_true(array[0] == 0 && array[2] == 0);
    arena_free(&a);
}

static void too_many(void) {
    struct arena *a = arena_new();
    arena_array(a, SIZE_MAX / 4, 8);
}
static void too_large(void) {
    struct arena *a = arena_new();
    arena_alloc(a, SIZE_MAX - 8);
}
static void broken_promise(void) { MUST(1 + 1 == 3); }

static void assert_aborts(void (*f)(void), const char *says) {
    int fds[2];
    char text[1024] = "";
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(fds[1], STDERR_FILENO);
        f();
        _exit(0);
    }
    close(fds[1]);
    size_t n = 0;
    for (ssize_t got; (got = read(fds[0], text + n, sizeof text - 1 - n)) > 0;) n += (size_t)got;
    close(fds[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, says));
    assert_ptr_equal(strchr(text, '\n'), text + n - 1); /* one line */
}

static void what_only_a_programmer_can_cause_aborts(void **state) {
    (void)state;
    assert_aborts(too_many, "base/arena.c:");
    assert_aborts(too_large, "base/arena.c:");
    assert_aborts(broken_promise, "tests/unit/test_arena.c:");
    assert_aborts(broken_promise, "1 + 1 == 3");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_and_aligned),
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(copies_and_lists_keep_their_content),
        cmocka_unit_test(what_only_a_programmer_can_cause_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
