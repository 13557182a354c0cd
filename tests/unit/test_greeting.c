/* Whether a server that hung speaks again, where its name has several addresses (MECHANICS 4: the breaker). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "sql/db_part.h"

enum { MANY = 4 };
/* 'g' greets whoever connects, 's' takes the connection and is silent, 'r' refuses, 'n' does not even take it. */
struct servers {
    size_t n;
    int listeners[MANY], callers[MANY][2];
    struct sockaddr_in at[MANY];
    struct addrinfo list[MANY];
    struct greeting greeting;
};
static const struct db_address nobody = {.host = "host.invalid", .port = 1};

static void start(struct servers *s, const char *kinds) {
    *s = (struct servers){.n = strlen(kinds)};
    for (size_t i = 0; i < s->n; i++) {
        socklen_t length = sizeof s->at[i];
        s->at[i] = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        s->listeners[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(bind(s->listeners[i], (struct sockaddr *)&s->at[i], sizeof s->at[i]), 0);
        assert_int_equal(getsockname(s->listeners[i], (struct sockaddr *)&s->at[i], &length), 0);
        if (kinds[i] != 'r') assert_int_equal(listen(s->listeners[i], kinds[i] == 'n' ? 0 : 8), 0);
        for (size_t k = 0; k < 2; k++) { /* a backlog of 0 holds one: the next is not taken */
            s->callers[i][k] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
            if (kinds[i] == 'n') (void)!connect(s->callers[i][k], (struct sockaddr *)&s->at[i], sizeof s->at[i]);
        }
        s->list[i] = (struct addrinfo){.ai_family = AF_INET,
                                       .ai_addr = (struct sockaddr *)&s->at[i],
                                       .ai_addrlen = sizeof s->at[i],
                                       .ai_next = i + 1 < s->n ? &s->list[i + 1] : NULL};
    }
    greeting_begin(&s->greeting, s->list, clock_monotonic_us());
}

/* To whoever has connected. */
static void greet(const struct servers *s, size_t i) {
    int fd = accept(s->listeners[i], NULL, NULL);
    assert_true(fd >= 0 && send(fd, "J", 1, 0) == 1);
    close(fd);
}

static void stop(struct servers *s) {
    greeting_end(&s->greeting);
    for (size_t i = 0; i < s->n; i++) {
        close(s->listeners[i]);
        for (size_t k = 0; k < 2; k++) close(s->callers[i][k]);
    }
}

static bool look(struct servers *s, int64_t *took_us) {
    int64_t from = clock_monotonic_us();
    bool greets = greeting_look(&s->greeting, &nobody, from);
    *took_us = clock_monotonic_us() - from;
    return greets;
}

/* As for the client library, the first address that takes the connection is the server. */
static void the_first_that_takes_the_connection_counts(void **state) {
    (void)state;
    static const struct {
        const char *kinds;
        bool greets, waits;
    } cases[] = {{"g", true, false},  {"s", false, true},    {"r", true, false},  {"n", false, true},  {"rg", true, false},
                 {"rs", false, true}, {"rrrs", false, true}, {"rr", true, false}, {"sg", false, true}, {"gs", true, false},
                 {"ng", true, true},  {"ns", false, true},   {"rng", true, true}, {"nr", false, true}, {"nn", false, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct servers s;
        int64_t took_us;
        start(&s, cases[i].kinds);
        for (size_t k = 0; k < s.n; k++) {
            if (cases[i].kinds[k] == 'g') greet(&s, k);
        }
        bool greets = look(&s, &took_us);
        if (greets != cases[i].greets) fail_msg("%s", cases[i].kinds);
        if ((cases[i].waits && took_us < 50 * 1000) || took_us > 1000 * 1000) fail_msg("%s: %lld us", cases[i].kinds, (long long)took_us);
        assert_int_equal(s.greeting.n, greets ? 0 : s.n);
        stop(&s);
    }
}

/* Without connecting anew: each connection without a login counts against max_connect_errors. */
static void a_later_look_hears_what_came_since(void **state) {
    (void)state;
    struct servers s;
    int64_t took_us;
    start(&s, "rs");
    assert_false(look(&s, &took_us));
    int fd = s.greeting.fds[1];
    assert_false(look(&s, &took_us));
    assert_int_equal(s.greeting.fds[0], -1);
    assert_int_equal(s.greeting.fds[1], fd);
    greet(&s, 1);
    assert_true(look(&s, &took_us));
    stop(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_that_takes_the_connection_counts),
        cmocka_unit_test(a_later_look_hears_what_came_since),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
