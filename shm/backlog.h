/* shm/backlog.h: how many connections wait in the backlog of a listening unix socket, as the kernel tells it (sock_diag(7), as ss(8)
 * asks it): of every socket in this network namespace, whoever owns it. */
#ifndef SHM_BACKLOG_H
#define SHM_BACKLOG_H

#include <stddef.h>
#include <stdint.h>

/* out[i] for paths[i], exactly as they were bound; −1: the kernel does not say, or nobody listens there. */
void backlogs_waiting(const char *const *paths, size_t n, int64_t *out);

#endif
