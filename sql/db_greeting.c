/* sql/db_greeting.c: whether a server that hung speaks again. It says the first word to whoever connects; the client library would wait
 * for that, and here somebody has requests to answer meanwhile. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "sql/db_part.h"

enum {
    LOOK_MS = 50, /* a server that is well greets in less than one */
    /* Then a new connection is tried: this one may lead nowhere any more. Rarely, for each counts against max_connect_errors. */
    AGAIN_US = 60 * 1000 * 1000,
};

void greeting_end(struct greeting *g) {
    for (size_t i = 0; i < g->n; i++) {
        if (g->fds[i] >= 0) close(g->fds[i]);
    }
    g->n = 0;
}

static void refused(struct greeting *g, size_t i) {
    close(g->fds[i]);
    g->fds[i] = -1;
}

void greeting_begin(struct greeting *g, const struct addrinfo *addresses, int64_t now_us) {
    g->since_us = now_us;
    for (const struct addrinfo *to = addresses; to != NULL && g->n < GREETING_ADDRESSES_MAX; to = to->ai_next) {
        size_t i = g->n++;
        g->fds[i] = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (g->fds[i] < 0 || connect(g->fds[i], to->ai_addr, to->ai_addrlen) == 0) continue;
        if (errno != EINPROGRESS && errno != EAGAIN) refused(g, i); /* EAGAIN: a unix socket whose backlog nobody empties */
    }
}

static void begin_local(struct greeting *g, const char *path, int64_t now_us) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct addrinfo to = {.ai_family = AF_UNIX, .ai_addr = (struct sockaddr *)&address, .ai_addrlen = sizeof address};
    size_t length = strlen(path);
    if (length >= sizeof address.sun_path) return;
    memcpy(address.sun_path, path, length);
    greeting_begin(g, &to, now_us);
}

/* A name is looked up for as long as the system's resolver takes, here as in the client library; an address takes no time. */
static void begin_tcp(struct greeting *g, const struct db_address *address, int64_t now_us) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    char port[16];
    snprintf(port, sizeof port, "%u", address->port);
    if (getaddrinfo(address->host, port, &hints, &found) != 0) return;
    greeting_begin(g, found, now_us);
    freeaddrinfo(found);
}

/* ---- listening ---- */

enum word { NOTHING, GREETING /* or the end */, REFUSAL, BROKEN };

static enum word word_of(int fd) {
    char first;
    if (recv(fd, &first, 1, MSG_DONTWAIT | MSG_PEEK) >= 0) return GREETING;
    return errno == EAGAIN ? NOTHING : errno == ECONNREFUSED ? REFUSAL : BROKEN;
}

static bool is_connected(int fd) {
    struct sockaddr_storage peer;
    socklen_t n = sizeof peer;
    return getpeername(fd, (struct sockaddr *)&peer, &n) == 0;
}

/* What the first says that has neither refused nor is broken; *at is its place. When the time is over, who has not even taken the
 * connection is passed over. */
static enum word hear(struct greeting *g, bool over, size_t *at) {
    enum word last = REFUSAL;
    for (size_t i = 0; i < g->n; i++) {
        if (g->fds[i] < 0) continue;
        enum word word = word_of(g->fds[i]);
        *at = i;
        if (word == GREETING || (word == NOTHING && (!over || is_connected(g->fds[i])))) return word;
        if (word != NOTHING) refused(g, i);
        if (last == REFUSAL) last = word;
    }
    return last;
}

bool greeting_look(struct greeting *g, const struct db_address *address, int64_t now_us) {
    if (g->n > 0 && now_us - g->since_us > AGAIN_US) greeting_end(g);
    bool local = address->socket && *address->socket;
    if (g->n == 0 && local) begin_local(g, address->socket, now_us);
    if (g->n == 0 && !local) begin_tcp(g, address, now_us);
    int64_t until_us = clock_monotonic_us() + LOOK_MS * 1000;
    size_t at = 0;
    enum word word = hear(g, false, &at);
    for (int64_t left_us; word == NOTHING && (left_us = until_us - clock_monotonic_us()) > 0; word = hear(g, false, &at)) {
        struct pollfd p = {.fd = g->fds[at], .events = POLLIN};
        poll(&p, 1, (int)(left_us / 1000) + 1);
    }
    if (word == NOTHING) word = hear(g, true, &at);
    if (word != NOTHING) greeting_end(g);       /* a broken one: the next look connects anew */
    return word == GREETING || word == REFUSAL; /* who refuses does not hang */
}
