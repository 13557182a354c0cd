#include "fcgi/transport.h"

#include <errno.h>
#include <fcgiapp.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

enum {
    ASIDE_MAX = 64,              /* connections that were accepted and say nothing; the oldest makes room */
    SILENT_US_MAX = 1000 * 1000, /* then such a connection is dropped */
    PARTIAL_MS = 10,             /* how often those that have begun are looked at: the kernel cannot tell when they are whole */
    SEEN_BYTES_MAX = 64 * 1024,  /* a request of more than this is taken before it is whole */
    READ_US_MAX = 2000 * 1000,   /* for one whole request; the web server has buffered it */
    CHUNK_BYTES = 16 * 1024,
    LOOK_MS = 200,
};

struct peer {
    int fd;
    bool begun; /* something of a request is there, and not all */
    bool whole; /* all of it is there: reading it cannot wait */
    int64_t accepted_us;
};
struct exchange {
    FCGX_Request fcgx;
    struct arena *arena;
    struct request request;
};
struct transport {
    int listener; /* −1: no more */
    int waker;    /* an epoll that only this worker waits on, with the listener in it */
    size_t max, n;
    struct exchange exchanges[SET_REQUESTS_MAX];
    struct peer aside[ASIDE_MAX];
    size_t n_aside;
};

/* ---- a time-out for reading a request as a whole ----
 *
 * libfcgi reads until it has what it wants; each single read has SO_RCVTIMEO, but a peer could send a byte at a time. When the timer
 * fires, the connection being read is shut down, and the read finds its end. A request that is whole before it is read, as nearly all
 * are, needs no timer. */

static volatile sig_atomic_t reading_fd = -1;

static void on_alarm(int signal) {
    (void)signal;
    int error = errno;
    if (reading_fd >= 0) shutdown(reading_fd, SHUT_RDWR);
    errno = error;
}

static void set_timer(int64_t us) {
    struct itimerval timer = {.it_value = {.tv_sec = us / 1000000, .tv_usec = us % 1000000}};
    int failed = setitimer(ITIMER_REAL, &timer, NULL);
    MUST(!failed);
}

struct transport *transport_open(int listener, size_t requests_max) {
    MUST(requests_max >= 1 && requests_max <= SET_REQUESTS_MAX);
    /* libfcgi sets handlers only where there is none, so these come first: it has its own ideas about SIGTERM and SIGPIPE. */
    struct sigaction alarm_action = {.sa_handler = on_alarm}, ignore = {.sa_handler = SIG_IGN};
    int failed = sigaction(SIGALRM, &alarm_action, NULL) | sigaction(SIGPIPE, &ignore, NULL) | sigaction(SIGUSR1, &ignore, NULL);
    failed |= setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1);
    failed |= FCGX_Init();
    MUST(!failed);
    struct transport *t = calloc(1, sizeof *t);
    MUST(t != NULL);
    t->listener = listener;
    t->max = requests_max;
    /* A connection wakes one waiting worker, not all of them: those who come too late have used a core for nothing. */
    struct epoll_event exclusive = {.events = EPOLLIN | EPOLLEXCLUSIVE};
    t->waker = epoll_create1(EPOLL_CLOEXEC);
    failed = t->waker < 0 || epoll_ctl(t->waker, EPOLL_CTL_ADD, listener, &exclusive) != 0;
    MUST(!failed);
    for (size_t i = 0; i < t->max; i++) t->exchanges[i].arena = arena_new();
    return t;
}

void transport_close(struct transport **transport) {
    struct transport *t = *transport;
    if (t == NULL) return;
    for (size_t i = 0; i < t->n_aside; i++) close(t->aside[i].fd);
    for (size_t i = 0; i < t->max; i++) arena_free(&t->exchanges[i].arena);
    close(t->waker);
    free(t);
    *transport = NULL;
}

/* ---- accepting ---- */

bool transport_is_empty(const struct transport *t) { return t->n_aside == 0; }

size_t transport_held(const struct transport *t) { return t->n_aside + t->n; }

void transport_accept_no_more(struct transport *t) { t->listener = -1; }

/* Nothing but the listener is waited for. Who was woken for a connection may be stopped before it takes it: so the others look by
 * themselves from time to time. */
static bool wait_for_listener(struct transport *t, int timeout_ms, const sigset_t *during) {
    for (int left_ms = timeout_ms;; left_ms -= LOOK_MS) {
        struct epoll_event event;
        struct pollfd look = {.fd = t->listener, .events = POLLIN};
        int n = epoll_pwait(t->waker, &event, 1, left_ms < LOOK_MS ? left_ms : LOOK_MS, during);
        MUST(n >= 0 || errno == EINTR);
        if (n != 0) return n > 0;
        if (poll(&look, 1, 0) > 0) return true;
        if (left_ms <= LOOK_MS) return false;
    }
}

bool transport_wait(struct transport *t, int timeout_ms, const sigset_t *during) {
    if (t->n_aside == 0 && t->listener >= 0) return wait_for_listener(t, timeout_ms, during);
    struct pollfd polls[1 + ASIDE_MAX] = {{.fd = t->listener, .events = POLLIN}};
    int64_t now_us = clock_monotonic_us(), wait_us = (int64_t)timeout_ms * 1000;
    for (size_t i = 0; i < t->n_aside; i++) {
        int64_t left_us = t->aside[i].accepted_us + SILENT_US_MAX - now_us;
        if (t->aside[i].begun && left_us > PARTIAL_MS * 1000) left_us = PARTIAL_MS * 1000;
        if (left_us < wait_us) wait_us = left_us > 0 ? left_us : 0;
        polls[1 + i] = (struct pollfd){.fd = t->aside[i].fd, .events = t->aside[i].begun ? POLLRDHUP : POLLIN};
    }
    struct timespec wait = {.tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000};
    int n = ppoll(polls, 1 + t->n_aside, &wait, during);
    MUST(n >= 0 || errno == EINTR);
    return n > 0 || (n == 0 && wait_us < (int64_t)timeout_ms * 1000); /* somebody is to be looked at again */
}

static void put_aside(struct transport *t, struct peer peer) {
    if (t->n_aside == ASIDE_MAX) {
        close(t->aside[0].fd);
        memmove(t->aside, t->aside + 1, --t->n_aside * sizeof *t->aside);
    }
    t->aside[t->n_aside++] = peer;
}

static void accept_some(struct transport *t, size_t n) {
    static const struct timeval second = {.tv_sec = 1};
    for (; n > 0 && t->listener >= 0; n--) {
        int fd = accept4(t->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) return; /* nobody waits, or another worker was quicker */
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second);
        put_aside(t, (struct peer){.fd = fd, .accepted_us = clock_monotonic_us()});
    }
}

enum seen { SEEN_PART, SEEN_ENOUGH, SEEN_ALL };

/* Whether a request is there from its first record to its last, as the web server sends it: BEGIN, PARAMS up to an empty one, STDIN up to
 * an empty one, all of one id. What is anything else, or too long to be seen, is taken as it is, and the timer runs: reading says more. */
static enum seen look_at(int fd) {
    enum { HEADER_BYTES = 8, VERSION = 1, TYPE_BEGIN = 1, TYPE_PARAMS = 4, TYPE_STDIN = 5 };
    static uint8_t seen[SEEN_BYTES_MAX];
    int due = TYPE_BEGIN;
    ssize_t n = recv(fd, seen, sizeof seen, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 || n == (ssize_t)sizeof seen) return SEEN_ENOUGH;
    for (ssize_t at = 0; at + HEADER_BYTES <= n;) {
        const uint8_t *h = seen + at;
        ssize_t length = h[4] << 8 | h[5];
        if (h[0] != VERSION || h[1] != due || memcmp(h + 2, seen + 2, 2) != 0) return SEEN_ENOUGH;
        at += HEADER_BYTES + length + h[6];
        if (due == TYPE_STDIN && length == 0 && at <= n) return SEEN_ALL;
        if (due == TYPE_PARAMS && length == 0) due = TYPE_STDIN;
        if (due == TYPE_BEGIN) due = TYPE_PARAMS;
    }
    return SEEN_PART;
}

/* One poll over all that were accepted: up to `max` that are whole leave the waiting ones; who has hung up, and who has not said all in
 * time, is closed without work. */
static size_t pick_readable(struct transport *t, struct peer *out, size_t max) {
    struct pollfd polls[ASIDE_MAX];
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < t->n_aside; i++) polls[i] = (struct pollfd){.fd = t->aside[i].fd, .events = POLLIN | POLLRDHUP};
    if (t->n_aside == 0 || poll(polls, t->n_aside, 0) < 0) return 0;
    int64_t now_us = clock_monotonic_us();
    for (size_t i = 0; i < t->n_aside; i++) {
        struct peer peer = t->aside[i];
        bool gone = (polls[i].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0, speaks = (polls[i].revents & POLLIN) != 0;
        bool ends = (polls[i].revents & POLLRDHUP) != 0, looked = !gone && speaks && n < max;
        enum seen seen = looked ? look_at(peer.fd) : SEEN_PART;
        if (looked && ends && seen == SEEN_PART) seen = SEEN_ENOUGH;
        bool late = now_us - peer.accepted_us >= SILENT_US_MAX && (!speaks || n < max);
        if (seen != SEEN_PART) {
            peer.whole = seen == SEEN_ALL;
            out[n++] = peer;
        } else if (gone || late) {
            const char *why = gone ? "the client has left" : speaks ? "a request that was not whole in time" : "a silent connection";
            log_line(LOG_INFO, "dropped", "why=\"%s\"", why);
            close(peer.fd);
        } else {
            peer.begun = speaks && n < max;
            t->aside[kept++] = peer;
        }
    }
    t->n_aside = kept;
    return n;
}

/* ---- reading ---- */

/* Gives the length that was announced, −1 for none; false: it is no length. */
static bool read_params(struct exchange *x, int64_t *announced) {
    *announced = -1;
    for (char **p = x->fcgx.envp; *p != NULL; p++) {
        struct str value = str_of(*p), name = str_cut(&value, '=');
        if (!str_is(name, "CONTENT_LENGTH")) {
            request_param(&x->request, name, value);
        } else if (value.n > 0 && !str_to_i64(value, 0, INT64_MAX, announced)) {
            return false;
        }
    }
    request_ready(&x->request);
    return true;
}

/* To its end, whatever comes of the request: an application that answers early makes the web server answer 502. What is longer than
 * any route takes is thrown away. false: it was cut short. */
static bool read_body(struct exchange *x, int64_t announced) {
    struct buf b = buf_new(x->arena, BODY_BYTES_MAX);
    char chunk[CHUNK_BYTES];
    int64_t total = 0;
    int n;
    do {
        n = FCGX_GetStr(chunk, sizeof chunk, x->fcgx.in);
        buf_bytes(&b, chunk, (size_t)n);
        total += n;
    } while (n == (int)sizeof chunk);
    x->request.body_too_large = !buf_ok(&b);
    x->request.body = x->request.body_too_large ? STR("") : buf_str(&b);
    return FCGX_GetError(x->fcgx.in) == 0 && (announced < 0 || announced == total);
}

/* false: there is no whole request; the connection is closed. A reading that fails within FCGX_Accept_r makes libfcgi close the
 * connection and try to accept another one, on a listener that does not exist. */
static bool read_request(struct exchange *x, struct peer peer) {
    int64_t announced;
    int failed = FCGX_InitRequest(&x->fcgx, -1, 0);
    MUST(!failed);
    x->fcgx.ipcFd = peer.fd;
    x->fcgx.keepConnection = 1; /* or it is closed before it is read */
    FCGX_Detach(&x->fcgx);      /* close at once, without waiting for the peer to do so */
    x->request = (struct request){.arena = x->arena, .arrived_us = peer.accepted_us};
    if (!peer.whole) {
        reading_fd = peer.fd;
        set_timer(READ_US_MAX);
    }
    bool accepted = FCGX_Accept_r(&x->fcgx) == 0;
    bool whole = accepted && read_params(x, &announced) && read_body(x, announced);
    if (!peer.whole) {
        set_timer(0);
        reading_fd = -1;
    }
    if (whole) return true;
    log_line(LOG_INFO, "dropped", "why=\"%s\"", accepted ? "a request that was cut short" : "no request of the protocol");
    if (accepted) FCGX_Free(&x->fcgx, 1);
    arena_reset(x->arena);
    return false;
}

static size_t take_peers(struct transport *t, struct peer *out, size_t max) {
    size_t n = pick_readable(t, out, max);
    if (n == max) return n;
    accept_some(t, max - n);
    return n + pick_readable(t, out + n, max - n);
}

/* false: that is all for this time. Who may keep us waiting is read alone, and nobody after him: the others come first the next time. */
static bool read_peers(struct transport *t, const struct peer *peers, size_t n, size_t *bytes) {
    bool more = true;
    for (size_t i = 0; i < n; i++) {
        struct exchange *x = &t->exchanges[t->n];
        more = more && *bytes < SET_BYTES_MAX && (peers[i].whole || t->n == 0);
        if (!more) {
            put_aside(t, peers[i]);
            continue;
        }
        more = peers[i].whole;
        if (!read_request(x, peers[i])) continue;
        *bytes += x->request.body.n;
        t->n++;
    }
    return more;
}

size_t transport_take(struct transport *t, size_t max, bool (*goes_with_others)(struct request *, void *), void *ctx) {
    struct peer peers[SET_REQUESTS_MAX];
    MUST(max >= 1 && max <= t->max);
    size_t bytes = 0, together = goes_with_others == NULL ? max : 1;
    t->n = 0;
    for (size_t tried = 0; tried < max; tried += together) {
        size_t n = take_peers(t, peers, together);
        if (n == 0 || !read_peers(t, peers, n, &bytes)) break;
        if (t->n > 0 && goes_with_others != NULL && !goes_with_others(&t->exchanges[t->n - 1].request, ctx)) break;
    }
    return t->n;
}

struct request *transport_request(struct transport *t, size_t i) {
    MUST(i < t->n);
    return &t->exchanges[i].request;
}

/* ---- answering ---- */

void transport_answer(struct transport *t, size_t i, struct str text) {
    MUST(i < t->n && text.n <= INT_MAX);
    FCGX_Request *fcgx = &t->exchanges[i].fcgx;
    if (FCGX_PutStr(text.p, (int)text.n, fcgx->out) < 0) { /* or the end of the answer waits for as long once more */
        log_line(LOG_INFO, "dropped", "why=\"an answer that was not taken\"");
        shutdown(fcgx->ipcFd, SHUT_RDWR);
    }
    fcgx->keepConnection = 0; /* whatever the web server asked for: a kept connection would pin this worker */
    FCGX_Detach(fcgx);
    FCGX_Finish_r(fcgx);
}

void transport_done(struct transport *t) {
    for (size_t i = 0; i < t->n; i++) arena_reset(t->exchanges[i].arena);
    t->n = 0;
}
