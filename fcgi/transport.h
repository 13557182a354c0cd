/* fcgi/transport.h: requests from the web server, and answers to it: the one owner of libfcgi (MECHANICS 4).
 *
 * libfcgi is used for the protocol; accepting is ours. A connection carries one request. Those that were accepted and have not
 * sent a whole request yet are put aside, so that nobody waits for them, and dropped after 1 s. A request that is larger than what can be
 * seen beforehand is read as it comes, and dropped when that takes 2 s. */
#ifndef FCGI_TRANSPORT_H
#define FCGI_TRANSPORT_H

#include <signal.h>

#include "http/request.h"

enum { SET_REQUESTS_MAX = 16, SET_BYTES_MAX = 256 * 1024 }; /* where a set closes; its events are counted by who settles them */

struct transport;

/* listener: non-blocking, listening; stays the caller's. Takes at most `requests_max` requests at once. Uses SIGALRM. */
struct transport *transport_open(int listener, size_t requests_max);
void transport_close(struct transport **t);

/* Waits for a connection, or for one put aside to speak, with the signals of `during`. false: nothing came in the time, or a signal. */
bool transport_wait(struct transport *t, int timeout_ms, const sigset_t *during);
void transport_accept_no_more(struct transport *t);
bool transport_is_empty(const struct transport *t); /* no connection is put aside */
size_t transport_held(const struct transport *t);   /* connections accepted, and not yet let go of */

/* Reads at most `max` requests that wait; gives how many, 0 where none was whole. Each must be answered, then transport_done. With
 * goes_with_others, they are taken one after the other, and the first that does not is the last: nobody else waits behind it. So is one
 * that is not whole yet. */
size_t transport_take(struct transport *t, size_t max, bool (*goes_with_others)(struct request *, void *ctx), void *ctx);
struct request *transport_request(struct transport *t, size_t i); /* good until transport_done */
void transport_answer(struct transport *t, size_t i, struct str text);
void transport_done(struct transport *t);

#endif
