/* service/live.h: what a running pool does at the moment, as its workers count it in the page that they share (setting page_file): for
 * `accolade top`. It needs neither the database nor the pool's help, and costs the pool nothing. */
#ifndef SERVICE_LIVE_H
#define SERVICE_LIVE_H

#include "base/settings.h"

struct live; /* one reading */

/* false: there is no pool to be seen, and *error is one line that says why. */
MUST_CHECK bool live_read(const struct settings *settings, struct arena *a, struct live **out, struct str *error);

/* {"taken_at","started_at","master","interval_s",
 *  "database":{"state","age_s"},"memcached":{…},
 *  "pools":[{"pool","workers":{"wanted","ready","busy","starts","deaths"},"waiting","held","total":{…},"now":{…}}…]}
 *
 * state: "ok", "away", "none" (not set), "unknown" (nobody has asked yet); age_s: how long ago a worker saw that. waiting: connections in
 * the backlog, null where the system does not say; held: connections that workers have accepted and not answered.
 * total, since the pool's start: "requests", "events", "sets", "refused" (4xx), "failed" (5xx), "duration_ms":{"mean","p50","p95","p99"},
 * "set_sizes":[{"up_to":16,"sets":3}…]. now, between the two readings: the first five by second ("requests_per_s"…), and the rest.
 * before NULL, or of another start: now and interval_s are null; so is duration_ms where there was no request. The mean is exact. The
 * others come from a histogram of powers of two, taken as even within each: between half and double of the truth. */
struct str live_render(struct arena *a, const struct live *before, const struct live *now);

#endif
