/* service/rates.h: rate limits of requests (M6, DESIGN 3): who has how much, counted in the page that all workers share. Without a page
 * (commands, jobs) nothing is limited. */
#ifndef SERVICE_RATES_H
#define SERVICE_RATES_H

#include "base/rates.h"
#include "service/keys.h"

enum { RATES_PER_REQUEST = 2 };

/* What a client is told: the fields RateLimit-Policy and RateLimit. */
struct rate_told {
    const char *name;
    int64_t count, period_s, remaining, full_s; /* full_s: until the whole allowance is there again */
};
struct rates_told {
    struct rate_told items[RATES_PER_REQUEST];
    size_t n;
};
struct rate_use {
    enum rate rate;
    struct str route; /* a member's own limit is one of each route */
    int64_t cost;     /* 1, or all events of an array */
    int64_t paid;     /* of it before: given back where all of it does not pass */
};

/* Counts a use against the limit of the credential's key, and one of a member token against the member's own too. P_RATE with Retry-After
 * where one is exceeded: nothing of what it would have cost is charged there. `told` is what stands now. */
MUST_CHECK enum problem rates_take(struct service *s, const struct credential *who, const struct rate_use *use, struct rates_told *told,
                                   struct faults *f);

#endif
