/* service/hosts.h: rate limits for all hosts of an installation together (setting rates_shared, DESIGN 8): each host tells the others by
 * memcached what it let pass, about once a second, and charges what they tell (shm/hosts.h). No request waits for it or asks for it: while
 * memcached is away, empty or full of what others put there, and where clocks are too far apart, each host counts for itself. */
#ifndef SERVICE_HOSTS_H
#define SERVICE_HOSTS_H

#include "service/service.h"

/* Whether there is anything to do at all: a page, a memcached and the setting. */
bool hosts_are_shared(const struct service *s);
/* One round, where it is due and this worker's turn (false: it is not); ends within some 100 ms, whatever memcached does. busy: requests
 * are waiting. */
bool hosts_round(struct service *s, struct arena *a, bool busy);

#endif
