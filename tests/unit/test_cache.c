/* The client of memcached beside servers that hang, are not there, and end: what it costs whoever calls, and when it asks again. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "cache/memcached.h"

enum { AT_ONCE_US = 20000, TIMED_OUT_US = 45000, SOME_US = 900000 };
static char folder[] = "accolade-test-XXXXXX";

static int enter(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    log_open("/dev/null", LOG_ERROR, "test");
    return chdir(base && *base ? base : P_tmpdir) || !mkdtemp(folder) || chdir(folder);
}
static int leave(void **state) {
    (void)state;
    return chdir("..") || rmdir(folder);
}
static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

/* A path has to begin with a slash to be one. */
static const char *path_in(struct arena *a) {
    char here[200];
    assert_non_null(getcwd(here, sizeof here));
    return str_z(a, str_printf(a, "%s/socket", here));
}

static struct cache *open_cache(struct arena *a) {
    struct cache *cache = cache_open(a, path_in(a));
    assert_non_null(cache);
    return cache;
}

static int listening(struct arena *a) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path_in(a));
    unlink(address.sun_path);
    assert_true(fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 16) == 0);
    return fd;
}

/* How long a look for a key takes; nothing is found. */
static int64_t look(struct cache *cache, struct arena *a) {
    struct str out;
    int64_t began = clock_monotonic_us();
    assert_false(cache_get(cache, a, STR("accolade:k"), &out));
    return clock_monotonic_us() - began;
}

static void no_address_is_no_cache(void **state) {
    struct arena *a = *state;
    struct cache *cache = cache_open(a, "");
    struct str out;
    assert_false(cache_is_usable(cache) || cache_get(cache, a, STR("accolade:k"), &out));
    cache_put(cache, STR("accolade:k"), STR("v"), 60);
    assert_int_equal(cache_ask(cache), CACHE_NONE);
    cache_close(&cache);
    assert_null(cache_open(a, "nonsense"));
    assert_null(cache_open(a, "host:0"));
}

static void a_hung_server_costs_one_time_out_and_is_then_left_alone(void **state) {
    struct arena *a = *state;
    int fd = listening(a);
    struct cache *cache = open_cache(a);
    int64_t first = look(cache, a);
    assert_in_range(first, TIMED_OUT_US, SOME_US);
    assert_false(cache_is_usable(cache));
    int64_t began = clock_monotonic_us();
    for (int i = 0; i < 100; i++) (void)look(cache, a);
    cache_put(cache, STR("accolade:k"), STR("v"), 60);
    assert_in_range(clock_monotonic_us() - began, 0, AT_ONCE_US);
    assert_int_equal(cache_counts(cache).rests, 101);
    assert_int_equal(cache_counts(cache).faults, 1);
    cache_close(&cache);
    close(fd);
    unlink(path_in(a));
}

/* MECHANICS 5: a key with a space or a line end would be another command. None is ever made; were one, it would go nowhere. */
static void what_is_no_key_never_reaches_the_server(void **state) {
    struct arena *a = *state;
    static const char *const none[] = {"accolade:k\r\nflush_all\r\n", "accolade: k", "accolade:k\n", "accolade:\x01"};
    char sent[256];
    for (size_t i = 0; i < COUNT(none); i++) {
        int fd = listening(a);
        struct cache *cache = open_cache(a);
        struct str out;
        assert_false(cache_get(cache, a, str_of(none[i]), &out));
        cache_close(&cache);
        cache = open_cache(a);
        cache_put(cache, str_of(none[i]), STR("v"), 60);
        for (struct pollfd waiting = {.fd = fd, .events = POLLIN}; poll(&waiting, 1, 0) > 0;) {
            int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
            assert_true(recv(peer, sent, sizeof sent, MSG_DONTWAIT) <= 0);
            close(peer);
        }
        cache_close(&cache);
        close(fd);
        unlink(path_in(a));
    }
}

static void after_a_second_one_call_tries_and_a_failure_doubles_the_rest(void **state) {
    struct arena *a = *state;
    struct cache *cache = open_cache(a); /* nobody listens */
    (void)look(cache, a);
    assert_int_equal(cache_counts(cache).faults, 1);
    usleep(CACHE_REST_US_LEAST / 2);
    assert_false(cache_is_usable(cache));
    usleep(CACHE_REST_US_LEAST / 2 + 1000);
    assert_true(cache_is_usable(cache));
    (void)look(cache, a);
    assert_int_equal(cache_counts(cache).faults, 2);
    usleep(CACHE_REST_US_LEAST + 1000);
    assert_false(cache_is_usable(cache)); /* two seconds by now */
    cache_close(&cache);
}

/* A server for one connection: answers the first question with `answer`, then ends. */
static pid_t server(int fd, const char *answer) {
    pid_t child = fork();
    if (child != 0) return child;
    char question[512];
    int c = accept(fd, NULL, NULL);
    if (read(c, question, sizeof question) > 0) (void)!write(c, answer, strlen(answer));
    _exit(0);
}

static void a_server_that_is_back_is_used_at_once_when_it_was_asked(void **state) {
    struct arena *a = *state;
    struct cache *cache = open_cache(a);
    assert_int_equal(cache_ask(cache), CACHE_AWAY);
    int fd = listening(a);
    pid_t child = server(fd, "END\r\n");
    assert_int_equal(cache_ask(cache), CACHE_OK); /* /readyz and idle workers ask in spite of the rest, and end it */
    assert_true(cache_is_usable(cache));
    kill(child, SIGKILL);
    cache_close(&cache);
    close(fd);
    unlink(path_in(a));
}

#define T_(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        T_(no_address_is_no_cache),
        T_(a_hung_server_costs_one_time_out_and_is_then_left_alone),
        T_(what_is_no_key_never_reaches_the_server),
        T_(after_a_second_one_call_tries_and_a_failure_doubles_the_rest),
        T_(a_server_that_is_back_is_used_at_once_when_it_was_asked),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
