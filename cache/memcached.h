/* cache/memcached.h: the client of memcached. It decides nothing and holds nothing that the database has not (DESIGN 8): with it away
 * everything is right, only slower. memcached.h of the library is named in memcached.c alone.
 *
 * Every call ends within some 50 ms, also where the server hangs. A server that fails once is left alone for a second, then for two, up to
 * 16 (the breaker): meanwhile calls end at once, as if nothing were stored. The first call after that is the trial. */
#ifndef CACHE_MEMCACHED_H
#define CACHE_MEMCACHED_H

#include "base/str.h"

enum cache_state {
    CACHE_NONE, /* no address is set */
    CACHE_OK,
    CACHE_AWAY, /* it does not answer */
};
const char *cache_state_name(enum cache_state state);

enum {
    CACHE_KEY_MAX = 200,           /* the server allows 250 bytes */
    CACHE_VALUE_MAX = 256 * 1024,  /* the server's own limit is 1 MiB */
    CACHE_REST_US_LEAST = 1000000, /* how long a server that failed is left alone; doubled with each trial that fails */
    CACHE_REST_US_MOST = 16000000,
};

struct cache;
struct cache_counts { /* since cache_open */
    uint64_t hits, misses, stores;
    uint64_t faults; /* calls that the server did not answer in time, or not at all */
    uint64_t rests;  /* calls that were not made, because the server had failed */
};

/* address: "" (none), the path of a unix socket, or host:port. Connects at the first use. NULL: not an address. */
struct cache *cache_open(struct arena *a, const char *address);
void cache_close(struct cache **cache);          /* NULL inside is fine */
enum cache_state cache_ask(struct cache *cache); /* whether it answers now; asks also where the breaker is open, and closes it */
bool cache_is_usable(const struct cache *cache); /* there is one, and the breaker would let a call pass */
struct cache_counts cache_counts(const struct cache *cache);

/* Keys are of visible ASCII, at most CACHE_KEY_MAX bytes (MUST), and begin with what tells their use apart. What was stored may be gone at
 * any time; what is found may be anything that somebody else put there. */
MUST_CHECK bool cache_get(struct cache *cache, struct arena *a, struct str key, struct str *out); /* false: not there, or no answer */
void cache_put(struct cache *cache, struct str key, struct str value, int64_t ttl_s); /* at most 30 days; larger values are not stored */

#endif
