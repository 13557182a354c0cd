/* fcgi/listener.h: the listening unix sockets of the pools: bound here, or handed over by systemd. */
#ifndef FCGI_LISTENER_H
#define FCGI_LISTENER_H

#include <sys/types.h>

#include "base/str.h"

struct listener {
    const char *name; /* of the pool; also the name in LISTEN_FDNAMES */
    const char *path; /* where it is bound when systemd hands none over */
    int fd;           /* −1: not yet */
    bool ours;        /* bound here: the file goes with the master */
    dev_t device;     /* of the file, to know it again */
    ino_t inode;
};

/* Opens them all, non-blocking. A socket file that nobody listens on is replaced; one that somebody does is refused. On refusal *error
 * is one line. */
MUST_CHECK bool listeners_open(struct arena *a, struct listener *listeners, size_t n, int backlog, struct str *error);
/* Removes the files that were bound here: no new connection is made, those that wait stay. */
void listeners_unlink(struct listener *listeners, size_t n);
void listeners_close(struct listener *listeners, size_t n);
bool listener_has_waiting(const struct listener *l); /* connections in the backlog */
/* What the system allows a backlog to be; −1: it does not say. */
int64_t listener_somaxconn(void);

#endif
