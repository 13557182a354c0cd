/* base/rates.h: the names of the rate limits (base/rates.def), and what a limit is. */
#ifndef BASE_RATES_H
#define BASE_RATES_H

#include <stdint.h>

enum rate {
    RATE_NONE, /* routes of the process */
#define RATE(id, name, setting) id,
#include "base/rates.def"
#undef RATE
    RATE__MAX
};
extern const char *const rate_names[]; /* [0] is RATE_NONE + 1; NULL at the end */

enum { RATE_COUNT_MAX = 3600 * 1000 }; /* of a limit, whatever its time */

struct rate_limit {
    int64_t count; /* 0: none */
    int64_t period_ms;
};

#endif
