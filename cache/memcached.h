/* cache/memcached.h: the client of memcached. It decides nothing and holds nothing that the database has not (DESIGN 8): with it away
 * everything is right, only slower. memcached.h of the library is named in memcached.c alone.
 *
 * Every call ends within some 50 ms, also where the server hangs. */
#ifndef CACHE_MEMCACHED_H
#define CACHE_MEMCACHED_H

#include "base/str.h"

enum cache_state {
    CACHE_NONE, /* no address is set */
    CACHE_OK,
    CACHE_AWAY, /* it does not answer */
};
const char *cache_state_name(enum cache_state state);

struct cache;

/* address: "" (none), the path of a unix socket, or host:port. Connects at the first use. NULL: not an address. */
struct cache *cache_open(struct arena *a, const char *address);
void cache_close(struct cache **cache);          /* NULL inside is fine */
enum cache_state cache_ask(struct cache *cache); /* whether it answers now */

#endif
