#include "cache/memcached.h"

#include <libmemcached/memcached.h>

enum { TIMEOUT_MS = 50 };

struct cache {
    memcached_st *client; /* NULL: no address */
};

const char *cache_state_name(enum cache_state state) {
    switch (state) {
    case CACHE_NONE: return "none";
    case CACHE_OK: return "ok";
    case CACHE_AWAY: return "away";
    }
    NEVER("a state of the cache");
}

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

/* The library's own time-outs are seconds; these are in milliseconds but for sending and receiving, which are in microseconds. A
 * server that failed is asked again the next time: whoever calls has a deadline and no need for the library's patience. */
static bool configure(memcached_st *client) {
    static const struct {
        memcached_behavior_t behavior;
        uint64_t value;
    } wanted[] = {
        {MEMCACHED_BEHAVIOR_NO_BLOCK, 1},
        {MEMCACHED_BEHAVIOR_TCP_NODELAY, 1},
        {MEMCACHED_BEHAVIOR_VERIFY_KEY, 1},
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

/* Asks for a key that nobody sets; the library answers a question for the version from what it remembers. A connection that has failed
 * is thrown away, and the next question begins a new one. */
enum cache_state cache_ask(struct cache *cache) {
    static const char key[] = "accolade:is-it-there";
    if (cache->client == NULL) return CACHE_NONE;
    for (int try = 0; try < 2; try++) { /* the first may find a connection that the server ended long ago */
        memcached_return_t r;
        size_t n;
        uint32_t flags;
        free(memcached_get(cache->client, key, sizeof key - 1, &n, &flags, &r));
        if (r == MEMCACHED_NOTFOUND || memcached_success(r)) return CACHE_OK;
        memcached_quit(cache->client);
        if (r == MEMCACHED_TIMEOUT) break;
    }
    return CACHE_AWAY;
}
