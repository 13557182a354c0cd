/* tests/bench/load.c: an HTTP/1.1 client that keeps N connections busy, one request under way on each, from one thread.
 *
 *   load --port P --connections N [--seconds S | --requests R] --work WORK [--path PATH] [--key KEY] [--run NAME] [--members M]
 *        [--first I] [--array K] [--sweep] [--time RFC3339] [--expect TEXT] [--status C]
 *
 * WORK: get    GET PATH as it is
 *       points GET /v1/members/m-<random>/points
 *       award  POST /v1/events: call.completed, which earns; every event new
 *       none   POST /v1/events: by turns one that its cap refuses and one that cools down
 *       repeat POST /v1/events: a random one of the --requests R events that `award` sent with the same --run
 *
 * An event follows from run and number alone, so a repeat is the same bytes. Members come at random, or one after the other with --sweep.
 * --array sends K events per request. --expect: this text has to stand in every answer as often as the request has events. Prints one line
 * of JSON; whoever reads it looks at `wrong` (answers that lack the text, or whose status is not of the class
 * C, 2) and `broken` (connections that failed) before
 * anything else. Latencies are from sending to the last byte. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

enum {
    CONNECTIONS_MAX = 1024,
    EVENT_TEXT_MAX = 512,
    HEAD_TEXT_MAX = 1024,
    ARRAY_MAX = 1000,
    ANSWER_MAX = 4 * 1024 * 1024,
    LINGER_US = 12000000
};
enum work { WORK_GET, WORK_POINTS, WORK_AWARD, WORK_NONE, WORK_REPEAT };

static struct options {
    int64_t port, connections, seconds, requests, members, array, first, status;
    enum work work;
    bool sweep;
    const char *path, *key, *run, *time, *expect;
} opt = {.connections = 1, .members = 1, .array = 1, .status = 2, .path = "/", .key = "", .run = "run", .time = "", .expect = ""};

struct connection {
    int fd;
    int64_t sent_us;
    char *out, *in;
    size_t out_n, out_at, in_n, whole; /* whole: bytes of the answer as a whole, 0 while its head is not there */
};

static struct connection connections[CONNECTIONS_MAX];
static int poller;
static int64_t sent, answered, in_time, wrong, broken, statuses[6];
static uint64_t random_state;
static struct {
    uint32_t *items;
    size_t n, room;
} latencies;

static void fail(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, strerrordesc_np(errno));
    exit(2);
}

/* ---- requests ---- */

static uint64_t mixed(uint64_t x) { /* splitmix64 */
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}
static uint64_t next_random(void) { return mixed(random_state++); }

static size_t put_event(char *to, int64_t number) {
    uint64_t random = mixed((uint64_t)number);
    const char *type = opt.work != WORK_NONE ? "call.completed" : (number ^ (number / opt.members)) & 1 ? "visit.capped" : "visit.cooling";
    int n =
        snprintf(to, EVENT_TEXT_MAX,
                 "{\"source\":\"bench\",\"id\":\"%s-%lld\",\"type\":\"%s\",\"member\":\"m-%llu\",\"time\":\"%s\","
                 "\"data\":{\"rating\":%llu,\"minutes\":%llu.5,\"queue\":\"support-eu-1\",\"channel\":\"phone\",\"resolved\":true}}",
                 opt.run, (long long)number, type, (unsigned long long)((opt.sweep ? (uint64_t)number : random) % (uint64_t)opt.members),
                 opt.time, (unsigned long long)(1 + (random >> 32) % 5), (unsigned long long)((random >> 40) % 30));
    return (size_t)n;
}

static int64_t next_number(void) {
    return opt.work == WORK_REPEAT ? opt.first + (int64_t)(next_random() % (uint64_t)opt.requests) : opt.first + sent * opt.array;
}

static size_t put_body(char *to) {
    int64_t number = next_number();
    size_t n = 0;
    if (opt.array == 1) return put_event(to, number);
    for (int64_t i = 0; i < opt.array; i++) {
        to[n++] = i == 0 ? '[' : ',';
        n += put_event(to + n, number + i);
    }
    to[n++] = ']';
    return n;
}

static size_t put_request(char *to) {
    static char body[ARRAY_MAX * (EVENT_TEXT_MAX + 1) + 2], authorization[256];
    int n;
    if (opt.key[0] != '\0' && authorization[0] == '\0') {
        snprintf(authorization, sizeof authorization, "Authorization: Bearer %s\r\n", opt.key);
    }
    if (opt.work == WORK_GET) {
        n = snprintf(to, HEAD_TEXT_MAX, "GET %s HTTP/1.1\r\nHost: bench\r\n%s\r\n", opt.path, authorization);
        return (size_t)n;
    }
    if (opt.work == WORK_POINTS) {
        n = snprintf(to, HEAD_TEXT_MAX, "GET /v1/members/m-%llu/points HTTP/1.1\r\nHost: bench\r\n%s\r\n",
                     (unsigned long long)(next_random() % (uint64_t)opt.members), authorization);
        return (size_t)n;
    }
    size_t bytes = put_body(body);
    n = snprintf(to, HEAD_TEXT_MAX,
                 "POST /v1/events HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n", bytes,
                 authorization);
    memcpy(to + n, body, bytes);
    return (size_t)n + bytes;
}

/* ---- connections ---- */

static void watch(struct connection *c, int operation, uint32_t events) {
    struct epoll_event e = {.events = events, .data.ptr = c};
    if (epoll_ctl(poller, operation, c->fd, &e) != 0) fail("epoll_ctl");
}

static void open_connection(struct connection *c) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) fail("connect");
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0 || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0) fail("socket");
    watch(c, EPOLL_CTL_ADD, EPOLLIN);
}

static void push_out(struct connection *c) {
    ssize_t n = send(c->fd, c->out + c->out_at, c->out_n - c->out_at, MSG_NOSIGNAL);
    if (n > 0) c->out_at += (size_t)n;
    if (c->out_at < c->out_n) {
        watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    } else if (n != (ssize_t)c->out_n) {
        watch(c, EPOLL_CTL_MOD, EPOLLIN);
    }
}

static bool may_send(int64_t end_us) {
    bool enough = opt.requests > 0 && opt.work != WORK_REPEAT && sent >= opt.requests;
    return !enough && (end_us == 0 || clock_monotonic_us() < end_us);
}

static void send_next(struct connection *c) {
    c->out_n = put_request(c->out);
    c->out_at = c->in_n = c->whole = 0;
    c->sent_us = clock_monotonic_us();
    sent++;
    push_out(c);
}

/* The connection is gone; its request is counted as broken, and another one takes its place. */
static void break_off(struct connection *c) {
    broken++;
    answered++;
    close(c->fd);
    open_connection(c);
}

/* ---- answers ---- */

static void note_latency(int64_t us) {
    if (latencies.n == latencies.room) {
        latencies.room = latencies.room * 2 + 65536;
        latencies.items = reallocarray(latencies.items, latencies.room, sizeof *latencies.items);
        if (latencies.items == NULL) fail("memory");
    }
    latencies.items[latencies.n++] = (uint32_t)us;
}

/* Whether the expected text stands in the answer once for each event. */
static bool as_expected(const struct connection *c) {
    size_t length = strlen(opt.expect);
    int64_t wanted = opt.array;
    const char *at = c->in, *end = c->in + c->in_n;
    if (length == 0) return true;
    while (wanted > 0 && (at = memmem(at, (size_t)(end - at), opt.expect, length)) != NULL) {
        wanted--;
        at += length;
    }
    return wanted == 0;
}

/* 0 while the head is not whole; every server here sends Content-Length. */
static size_t whole_length(const struct connection *c) {
    static const char name[] = "\r\nContent-Length: ";
    const char *end = memmem(c->in, c->in_n, "\r\n\r\n", 4);
    if (end == NULL) return 0;
    const char *length = memmem(c->in, (size_t)(end - c->in), name, sizeof name - 1);
    if (length == NULL) return SIZE_MAX;
    return (size_t)(end - c->in) + 4 + strtoul(length + sizeof name - 1, NULL, 10);
}

static void take_answer(struct connection *c, int64_t end_us) {
    int64_t now_us = clock_monotonic_us();
    unsigned class = (unsigned)(c->in[9] - '0');
    if (class > 5) class = 0;
    statuses[class]++;
    answered++;
    in_time += end_us == 0 || now_us < end_us;
    note_latency(now_us - c->sent_us);
    if (class != opt.status || !as_expected(c)) {
        if (wrong++ == 0) fprintf(stderr, "load: a wrong answer:\n%.*s\n", (int)(c->in_n < 1500 ? c->in_n : 1500), c->in);
    }
}

/* true: the answer is whole. */
static bool read_more(struct connection *c) {
    ssize_t n = recv(c->fd, c->in + c->in_n, ANSWER_MAX - c->in_n, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (n > 0) c->in_n += (size_t)n;
    if (n > 0 && c->whole == 0) c->whole = whole_length(c);
    if (n <= 0 || c->whole == SIZE_MAX || c->in_n > c->whole + ANSWER_MAX) {
        break_off(c);
        return false;
    }
    return c->whole != 0 && c->in_n >= c->whole;
}

static void serve(struct connection *c, uint32_t events, int64_t end_us) {
    if (events & EPOLLOUT) push_out(c);
    if ((events & ~(uint32_t)EPOLLOUT) == 0 || !read_more(c)) return;
    take_answer(c, end_us);
    if (may_send(end_us)) send_next(c);
}

/* ---- the run ---- */

static void run(int64_t end_us) {
    struct epoll_event events[256];
    for (int64_t i = 0; i < opt.connections && may_send(end_us); i++) send_next(&connections[i]);
    while (answered < sent) {
        int n = epoll_wait(poller, events, 256, 1000);
        if (n < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < n; i++) serve(events[i].data.ptr, events[i].events, end_us);
        if (end_us != 0 && clock_monotonic_us() > end_us + LINGER_US) {
            broken += sent - answered;
            return;
        }
    }
}

static int by_size(const void *x, const void *y) {
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return a < b ? -1 : a > b;
}

static uint32_t percentile(double part) { return latencies.n == 0 ? 0 : latencies.items[(size_t)((double)(latencies.n - 1) * part)]; }

static void report(int64_t began_us, int64_t end_us) {
    struct rusage usage;
    int64_t now_us = clock_monotonic_us();
    double seconds = (double)((end_us != 0 ? end_us : now_us) - began_us) / 1e6;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    if (latencies.n > 0) qsort(latencies.items, latencies.n, sizeof *latencies.items, by_size);
    printf("{\"requests\":%lld,\"seconds\":%.3f,\"rate\":%.1f,\"p50_us\":%u,\"p99_us\":%u,\"max_us\":%u,\"wrong\":%lld,\"broken\":%lld,"
           "\"statuses\":{\"2xx\":%lld,\"4xx\":%lld,\"5xx\":%lld},\"core\":%.3f}\n",
           (long long)answered, seconds, (double)(in_time * opt.array) / seconds, percentile(0.5), percentile(0.99), percentile(1),
           (long long)wrong, (long long)broken, (long long)statuses[2], (long long)statuses[4], (long long)statuses[5],
           cpu / ((double)(now_us - began_us) / 1e6));
}

static int64_t number_of(const char *text, int64_t low, int64_t high) {
    int64_t n;
    if (!str_to_i64(str_of(text), low, high, &n)) {
        fprintf(stderr, "load: no such number: %s\n", text);
        exit(2);
    }
    return n;
}

static enum work work_of(const char *name) {
    static const char *const names[] = {"get", "points", "award", "none", "repeat"};
    for (size_t i = 0; i < COUNT(names); i++) {
        if (str_is(str_of(name), names[i])) return (enum work)i;
    }
    fprintf(stderr, "load: no such work: %s\n", name);
    exit(2);
}

static void read_options(int argc, char **argv) {
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},    {"connections", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 's'}, {"requests", required_argument, NULL, 'r'},
        {"members", required_argument, NULL, 'm'}, {"array", required_argument, NULL, 'a'},
        {"work", required_argument, NULL, 'w'},    {"path", required_argument, NULL, 'u'},
        {"key", required_argument, NULL, 'k'},     {"run", required_argument, NULL, 'n'},
        {"time", required_argument, NULL, 't'},    {"expect", required_argument, NULL, 'e'},
        {"first", required_argument, NULL, 'f'},   {"sweep", no_argument, NULL, 'S'},
        {"status", required_argument, NULL, 'C'},  {NULL, 0, NULL, 0},
    };
    for (int letter; (letter = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (letter) {
        case 'p': opt.port = number_of(optarg, 1, 65535); break;
        case 'c': opt.connections = number_of(optarg, 1, CONNECTIONS_MAX); break;
        case 's': opt.seconds = number_of(optarg, 1, 3600); break;
        case 'r': opt.requests = number_of(optarg, 1, 1000000000); break;
        case 'm': opt.members = number_of(optarg, 1, 1000000000); break;
        case 'a': opt.array = number_of(optarg, 1, ARRAY_MAX); break;
        case 'f': opt.first = number_of(optarg, 0, INT64_MAX / 2); break;
        case 'w': opt.work = work_of(optarg); break;
        case 'u': opt.path = optarg; break;
        case 'k': opt.key = optarg; break;
        case 'n': opt.run = optarg; break;
        case 'S': opt.sweep = true; break;
        case 'C': opt.status = number_of(optarg, 1, 5); break;
        case 't': opt.time = optarg; break;
        case 'e': opt.expect = optarg; break;
        default: exit(2);
        }
    }
    if (opt.port == 0 || (opt.seconds == 0 && opt.requests == 0)) {
        fprintf(stderr, "load: --port, and --seconds or --requests\n");
        exit(2);
    }
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0) fail("epoll_create1");
    random_state = mixed((uint64_t)clock_monotonic_us());
    for (int64_t i = 0; i < opt.connections; i++) {
        struct connection *c = &connections[i];
        c->out = malloc((size_t)opt.array * (EVENT_TEXT_MAX + 1) + HEAD_TEXT_MAX + 2);
        c->in = malloc(ANSWER_MAX);
        if (c->out == NULL || c->in == NULL) fail("memory");
        open_connection(c);
    }
    int64_t began_us = clock_monotonic_us(), end_us = opt.seconds == 0 ? 0 : began_us + opt.seconds * 1000000;
    run(end_us);
    report(began_us, end_us);
    return 0;
}
