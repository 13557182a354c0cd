#include "cache/memcached.h"

#include <libmemcached/memcached.h>

#include "base/clock.h"
#include "base/log.h"

enum { TIMEOUT_MS = 50, TTL_S_MAX = 30 * 24 * 3600 /* from here on the server takes it for a date, long past */ };

struct cache {
    memcached_st *client;            /* NULL: no address */
    int64_t rests_until_us, rest_us; /* the breaker; rest_us 0: closed */
    struct cache_counts counts;
};

const char *cache_state_name(enum cache_state state) {
    switch (state) {
    case CACHE_NONE: return "none";
    case CACHE_OK: return "ok";
    case CACHE_AWAY: return "away";
    }
    NEVER("a state of the cache");
}

/* ---- opening ---- */

static bool add_server(memcached_st *client, struct arena *a, const char *address) {
    struct str text = str_of(address);
    int64_t port;
    if (address[0] == '/') return memcached_success(memcached_server_add_unix_socket(client, address));
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':') colon--;
    if (colon < 2 || !str_to_i64((struct str){text.p + colon, text.n - colon}, 1, 65535, &port)) return false;
    const char *host = str_z(a, (struct str){text.p, colon - 1});
    return memcached_success(memcached_server_add(client, host, (in_port_t)port));
}

/* The library's own time-outs are seconds; these are in milliseconds but for sending and receiving, which are in microseconds. When a
 * server that failed is asked again is decided here, not by the library. */
static bool configure(memcached_st *client) {
    static const struct {
        memcached_behavior_t behavior;
        uint64_t value;
    } wanted[] = {
        {MEMCACHED_BEHAVIOR_NO_BLOCK, 1},
        {MEMCACHED_BEHAVIOR_TCP_NODELAY, 1},
        {MEMCACHED_BEHAVIOR_VERIFY_KEY, 1},
        {MEMCACHED_BEHAVIOR_KETAMA, 1},
        {MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, TIMEOUT_MS},
        {MEMCACHED_BEHAVIOR_POLL_TIMEOUT, TIMEOUT_MS},
        {MEMCACHED_BEHAVIOR_SND_TIMEOUT, TIMEOUT_MS * 1000},
        {MEMCACHED_BEHAVIOR_RCV_TIMEOUT, TIMEOUT_MS * 1000},
        {MEMCACHED_BEHAVIOR_RETRY_TIMEOUT, 0},
    };
    for (size_t i = 0; i < COUNT(wanted); i++) {
        if (!memcached_success(memcached_behavior_set(client, wanted[i].behavior, wanted[i].value))) return false;
    }
    return true;
}

struct cache *cache_open(struct arena *a, const char *address) {
    struct cache *cache = NEW(a, struct cache);
    if (address == NULL || *address == '\0') return cache;
    cache->client = memcached_create(NULL);
    if (cache->client != NULL && configure(cache->client) && add_server(cache->client, a, address)) return cache;
    cache_close(&cache);
    return NULL;
}

void cache_close(struct cache **cache) {
    if (*cache != NULL && (*cache)->client != NULL) memcached_free((*cache)->client);
    *cache = NULL;
}

struct cache_counts cache_counts(const struct cache *cache) {
    return cache->counts;
}

/* ---- the breaker ---- */

static bool is_resting(const struct cache *cache) { return cache->rest_us != 0 && clock_monotonic_us() < cache->rests_until_us; }

bool cache_is_usable(const struct cache *cache) { return cache->client != NULL && !is_resting(cache); }

static bool may_call(struct cache *cache) {
    if (cache->client == NULL) return false;
    if (!is_resting(cache)) return true;
    cache->counts.rests++;
    return false;
}

static void answered(struct cache *cache) {
    if (cache->rest_us != 0) log_line(LOG_INFO, "memcached", "what=\"answers again\"");
    cache->rest_us = 0;
}

/* The log has one line for the first of several failures. */
static void failed(struct cache *cache, memcached_return_t why) {
    cache->counts.faults++;
    if (cache->rest_us == 0)
        log_line(LOG_WARN, "memcached", "what=\"does not answer: done without\" why=\"%s\"", memcached_strerror(cache->client, why));
    cache->rest_us = cache->rest_us == 0 ? CACHE_REST_US_LEAST : cache->rest_us * 2;
    if (cache->rest_us > CACHE_REST_US_MOST) cache->rest_us = CACHE_REST_US_MOST;
    cache->rests_until_us = clock_monotonic_us() + cache->rest_us;
}

/* ---- calls ---- */

struct asked { /* one question, that may be put twice */
    struct str key, value;
    char *found; /* the library's: free() */
    size_t n;
    time_t ttl;
};
typedef memcached_return_t question(memcached_st *client, struct asked *q);

static memcached_return_t get(memcached_st *client, struct asked *q) {
    memcached_return_t r;
    uint32_t flags;
    q->found = memcached_get(client, q->key.p, q->key.n, &q->n, &flags, &r);
    return r;
}

static memcached_return_t set(memcached_st *client, struct asked *q) {
    return memcached_set(client, q->key.p, q->key.n, q->value.p, q->value.n, q->ttl, 0);
}

/* What the server said, whether it pleases or not: the connection is as good as before. */
static bool is_answer(memcached_return_t r) {
    return memcached_success(r) || r == MEMCACHED_NOTFOUND || r == MEMCACHED_NOTSTORED || r == MEMCACHED_E2BIG ||
           r == MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE;
}

/* A connection that has failed is thrown away, and the next question begins a new one: the first may find one that the server ended long
 * ago. An answer that took longer than a server may take at all, in small pieces, counts as none: the next call would wait as well. */
static memcached_return_t ask(struct cache *cache, question *put, struct asked *q) {
    memcached_return_t r = MEMCACHED_FAILURE;
    int64_t began_us = clock_monotonic_us(), took_us = 0;
    for (int try = 0; try < 2; try++) {
        r = put(cache->client, q);
        took_us = clock_monotonic_us() - began_us;
        if (is_answer(r) || r == MEMCACHED_TIMEOUT || took_us > TIMEOUT_MS * 1000) break;
        memcached_quit(cache->client);
    }
    if (is_answer(r) && took_us <= TIMEOUT_MS * 1000) {
        answered(cache);
    } else {
        memcached_quit(cache->client);
        failed(cache, r);
    }
    return r;
}

/* Asks for a key that nobody sets; the library answers a question for the version from what it remembers. */
enum cache_state cache_ask(struct cache *cache) {
    struct asked q = {.key = STR("accolade:is-it-there")};
    if (cache->client == NULL) return CACHE_NONE;
    ask(cache, get, &q);
    free(q.found);
    return cache->rest_us == 0 ? CACHE_OK : CACHE_AWAY;
}

bool cache_get(struct cache *cache, struct arena *a, struct str key, struct str *out) {
    struct asked q = {.key = key};
    MUST(key.n <= CACHE_KEY_MAX);
    if (!may_call(cache)) return false;
    memcached_return_t r = ask(cache, get, &q);
    bool found = memcached_success(r) && q.n <= CACHE_VALUE_MAX;
    if (found) *out = (struct str){arena_copy(a, q.found, q.n), q.n};
    free(q.found);
    cache->counts.hits += found;
    cache->counts.misses += r == MEMCACHED_NOTFOUND;
    return found;
}

void cache_put(struct cache *cache, struct str key, struct str value, int64_t ttl_s) {
    struct asked q = {.key = key, .value = value, .ttl = (time_t)ttl_s};
    MUST(key.n <= CACHE_KEY_MAX && ttl_s > 0 && ttl_s <= TTL_S_MAX);
    if (value.n > CACHE_VALUE_MAX || !may_call(cache)) return;
    cache->counts.stores += memcached_success(ask(cache, set, &q));
}
