/* service/service.h: what one process needs to do the system's work: database, lane, programs, keys. The only room where engine,
 * database and cache meet (DESIGN 2).
 *
 * One struct service per worker, job or command; single-threaded. It survives a database that is away: calls then give
 * P_UNAVAILABLE with retry_after, and the next call tries again. */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "base/crypto/encodings.h"
#include "base/problem.h"
#include "base/settings.h"
#include "engine/program.h"
#include "sql/db.h"
#include "sql/events.h"
#include "sql/tenants.h"

struct service;

/* patient: for jobs and commands: longer read time-outs. Fails (NULL, *error) only for a missing or wrong installation key
 * and an address of memcached that is none. */
struct service *service_open(const struct settings *settings, bool patient, struct arena *a, struct str *error);
void service_close(struct service **s); /* releases the lane */

const struct tenant_keys *service_tenant_keys(struct service *s, tenant_id t); /* cached for the life of the process */

/* What a database result means to a client: DB_OK → P_OK, … GONE, UNKNOWN, RETRY → P_UNAVAILABLE with Retry-After, BUSY →
 * P_IN_PROGRESS, FATAL → P_INTERNAL; NOT_FOUND and CONFLICT must have been handled (MUST). */
enum problem service_problem(enum db_result r, struct faults *f);

/* The moment by which the request in hand has to be answered, of clock_monotonic_us; 0: none. Past it no write is begun and none is
 * committed: P_UNAVAILABLE. */
void service_deadline(struct service *s, int64_t us);

/* An idle worker calls this every few seconds: pings, renews its lane (MECHANICS 2). false: the database does not answer. */
bool service_idle(struct service *s, int64_t now_ms);

/* The program of a tenant at a version; cached. The pointer is good until programs_trim, which is called between requests or sets.
 * A stored configuration that does not compile is P_CONFIG_UNUSABLE, logged loudly, and tried again after some seconds. */
MUST_CHECK enum problem program_get(struct service *s, tenant_id t, uint64_t version, const struct program **out, struct faults *f);
void programs_trim(struct service *s); /* lets go of what was used longest ago, beyond PROGRAMS_MAX or PROGRAM_BYTES_MAX */

/* ---- lanes: the numbered change log of this connection (MECHANICS 3) ---- */

/* Makes sure that this connection owns a lane. Outside a transaction. */
MUST_CHECK enum db_result lane_claim(struct service *s, int64_t now_ms);
/* The next position: day = max(lane's day, today), n = lane's n + 1. */
struct position lane_next(const struct service *s, int64_t now_ms);
/* Step 6: the outcomes of the transaction, at the lane's next positions. DB_NOT_FOUND: they are somebody else's by now, who took the lane
 * while we were silent (roll back, again); the lane is forgotten. */
MUST_CHECK enum db_result lane_outcomes(struct service *s, struct arena *a, const struct outcome_row *rows, size_t n);
/* Step 7, the last statement of a transaction; DB_NOT_FOUND: the lane is not ours any more (roll back, lane_forget, again). */
MUST_CHECK enum db_result lane_advance(struct service *s, struct arena *a, struct position at, int64_t now_ms);
void lane_committed(struct service *s, struct position at); /* after DB_OK from COMMIT */
void lane_forget(struct service *s); /* after DB_UNKNOWN, DB_GONE or a lost lane: a position sent to COMMIT is never tried again */

#endif
