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

#include "sql/db_part.h"

enum {
    LOOK_MS = 50, /* a server that is well greets in less than one */
    /* Then a new connection is tried: this one may lead nowhere any more. Rarely, for each counts against max_connect_errors. */
    AGAIN_US = 60 * 1000 * 1000,
};

void greeting_end(struct greeting *g) {
    if (g->fd >= 0) close(g->fd);
    g->fd = -1;
}

/* false: refused, at once. */
static bool begin_at(struct greeting *g, int family, const struct sockaddr *address, socklen_t n) {
    g->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (g->fd < 0) return true;
    if (connect(g->fd, address, n) == 0 || errno == EINPROGRESS) return true;
    bool full = errno == EAGAIN; /* a unix socket whose backlog nobody empties */
    greeting_end(g);
    return full;
}

static bool begin_local(struct greeting *g, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length >= sizeof address.sun_path) return false;
    memcpy(address.sun_path, path, length);
    return begin_at(g, AF_UNIX, (const struct sockaddr *)&address, sizeof address);
}

static bool begin_tcp(struct greeting *g, const struct db_address *address) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    char port[16];
    snprintf(port, sizeof port, "%u", address->port);
    if (getaddrinfo(address->host, port, &hints, &found) != 0) return false;
    bool begun = begin_at(g, found->ai_family, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return begun;
}

bool greeting_look(struct greeting *g, const struct db_address *address, int64_t now_us) {
    if (g->fd >= 0 && now_us - g->since_us > AGAIN_US) greeting_end(g);
    if (g->fd < 0) {
        bool local = address->socket && *address->socket;
        g->since_us = now_us;
        if (!(local ? begin_local(g, address->socket) : begin_tcp(g, address))) return true; /* who refuses does not hang */
        if (g->fd < 0) return false;
    }
    struct pollfd p = {.fd = g->fd, .events = POLLIN};
    if (poll(&p, 1, LOOK_MS) <= 0) return false;
    char first;
    bool broken = recv(g->fd, &first, 1, MSG_DONTWAIT) < 0 && errno != ECONNREFUSED; /* the next look connects anew */
    greeting_end(g);
    return !broken; /* the greeting, the end, or a refusal */
}
