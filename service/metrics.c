#include "service/metrics.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/inside.h"
#include "service/set.h"
#include "shm/backlog.h"
#include "shm/page.h"

static_assert((int)DB_FATAL < (int)COUNT_RESULTS && (int)TRIED_FAULT < (int)COUNT_TRIES, "there is a place for each");

static const struct {
    const char *name;
    size_t offset;
} cache_results[] = {{"hit", offsetof(struct cache_counts, hits)},
                     {"miss", offsetof(struct cache_counts, misses)},
                     {"store", offsetof(struct cache_counts, stores)},
                     {"fault", offsetof(struct cache_counts, faults)},
                     {"rest", offsetof(struct cache_counts, rests)}};
static_assert(COUNT(cache_results) == COUNT_CACHE, "there is a place for each");

struct metrics {
    struct buf b;
    const struct page *page;
    const struct settings *settings;
};

static unsigned long long value(const atomic_uint_fast64_t *n) { return atomic_load(n); }

/* The lines that stand before the samples of one name. */
static void head(struct metrics *m, const char *name, const char *type, const char *help) {
    buf_f(&m->b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* µs as seconds, without zeros at the end. */
static void put_seconds(struct buf *b, uint64_t us) {
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%llu.%06llu", (unsigned long long)us / 1000000, (unsigned long long)us % 1000000);
    while (digits[n - 1] == '0') n--;
    if (digits[n - 1] == '.') n--;
    buf_add(b, (struct str){digits, (size_t)n});
}

/* ---- requests ---- */

static uint64_t requests_of(const struct route_counts *c) {
    uint64_t n = 0;
    for (size_t i = 0; i <= COUNT_BOUNDS; i++) n += value(&c->durations[i]);
    return n;
}

static void put_statuses(struct metrics *m, const struct metric_route *route, const struct route_counts *c) {
    for (size_t i = 0; i < COUNT_STATUSES; i++) {
        if (value(&c->statuses[i]) == 0) continue;
        buf_f(&m->b, "accolade_requests_total{route=\"%s\",method=\"%s\",status=\"%d\"} %llu\n", route->name, route->method,
              count_statuses[i], value(&c->statuses[i]));
    }
}

static void put_durations(struct metrics *m, const struct metric_route *route, const struct route_counts *c) {
    uint64_t n = 0;
    if (requests_of(c) == 0) return;
    for (size_t i = 0; i <= COUNT_BOUNDS; i++) {
        n += value(&c->durations[i]);
        buf_f(&m->b, "accolade_request_duration_seconds_bucket{route=\"%s\",le=\"", route->name);
        if (i < COUNT_BOUNDS) {
            put_seconds(&m->b, (uint64_t)count_bounds_us[i]);
        } else {
            buf_z(&m->b, "+Inf");
        }
        buf_f(&m->b, "\"} %llu\n", (unsigned long long)n);
    }
    buf_f(&m->b, "accolade_request_duration_seconds_sum{route=\"%s\"} ", route->name);
    put_seconds(&m->b, value(&c->duration_us));
    buf_f(&m->b, "\naccolade_request_duration_seconds_count{route=\"%s\"} %llu\n", route->name, (unsigned long long)n);
}

static void put_requests(struct metrics *m, const struct metric_route *routes, size_t n) {
    static const struct metric_route nowhere = {"", "none"};
    head(m, "accolade_requests_total", "counter", "Requests answered by workers, by route, method and status.");
    for (size_t i = 0; i <= n; i++) put_statuses(m, i == 0 ? &nowhere : &routes[i - 1], &m->page->counts.routes[i]);
    head(m, "accolade_request_duration_seconds", "histogram", "From a request's being accepted by a worker to its answer.");
    for (size_t i = 0; i <= n; i++) put_durations(m, i == 0 ? &nowhere : &routes[i - 1], &m->page->counts.routes[i]);
}

/* ---- pools ---- */

static void put_of_pools(struct metrics *m, const char *name, const char *type, const char *help, size_t offset) {
    head(m, name, type, help);
    for (size_t i = 0; i < PAGE_POOLS; i++) {
        const atomic_uint_fast64_t *n = (const atomic_uint_fast64_t *)(const void *)((const char *)&m->page->pools[i] + offset);
        buf_f(&m->b, "%s{pool=\"%s\"} %llu\n", name, m->page->named[i].name, value(n));
    }
}

static void put_set_sizes(struct metrics *m) {
    head(m, "accolade_set_requests", "histogram", "Requests that a worker took and settled together.");
    for (size_t i = 0; i < PAGE_POOLS; i++) {
        const struct pool_counts *c = &m->page->pools[i];
        const char *pool = m->page->named[i].name;
        uint64_t n = 0;
        for (size_t k = 0; k < PAGE_SET_SIZES; k++) {
            n += value(&c->set_sizes[k]);
            buf_f(&m->b, "accolade_set_requests_bucket{pool=\"%s\",le=\"%d\"} %llu\n", pool, 1 << k, (unsigned long long)n);
        }
        buf_f(&m->b, "accolade_set_requests_bucket{pool=\"%s\",le=\"+Inf\"} %llu\n", pool, (unsigned long long)n);
        buf_f(&m->b, "accolade_set_requests_sum{pool=\"%s\"} %llu\n", pool, value(&c->requests));
        buf_f(&m->b, "accolade_set_requests_count{pool=\"%s\"} %llu\n", pool, (unsigned long long)n);
    }
}

static void put_workers(struct metrics *m) {
    int64_t ready[PAGE_POOLS] = {0}, busy[PAGE_POOLS] = {0}, held[PAGE_POOLS] = {0};
    for (size_t i = 0; i < PAGE_SLOTS; i++) {
        const struct worker_slot *slot = &m->page->slots[i];
        uint_fast32_t pool = atomic_load(&slot->pool);
        if (!atomic_load(&slot->taken) || pool >= PAGE_POOLS) continue;
        ready[pool] += atomic_load(&slot->ready);
        busy[pool] += atomic_load(&slot->in_set);
        held[pool] += (int64_t)atomic_load(&slot->held);
    }
    head(m, "accolade_workers", "gauge", "Workers that there should be, that take requests, and that work on some now.");
    for (size_t i = 0; i < PAGE_POOLS; i++) {
        const char *pool = m->page->named[i].name;
        buf_f(&m->b, "accolade_workers{pool=\"%s\",state=\"wanted\"} %lld\n", pool, (long long)m->page->named[i].workers);
        buf_f(&m->b, "accolade_workers{pool=\"%s\",state=\"ready\"} %lld\n", pool, (long long)ready[i]);
        buf_f(&m->b, "accolade_workers{pool=\"%s\",state=\"busy\"} %lld\n", pool, (long long)busy[i]);
    }
    head(m, "accolade_connections_held", "gauge", "Connections that workers have accepted and not answered.");
    for (size_t i = 0; i < PAGE_POOLS; i++) {
        buf_f(&m->b, "accolade_connections_held{pool=\"%s\"} %lld\n", m->page->named[i].name, (long long)held[i]);
    }
}

static void put_waiting(struct metrics *m) {
    const struct settings *s = m->settings;
    const char *const names[] = {"events", "bulk", "api"}, *const paths[] = {s->events_socket, s->bulk_socket, s->api_socket};
    int64_t waiting[COUNT(paths)];
    backlogs_waiting(paths, COUNT(paths), waiting);
    head(m, "accolade_connections_waiting", "gauge", "Connections in the backlog of a pool; absent where the system does not say.");
    for (size_t i = 0; i < COUNT(paths); i++) {
        if (waiting[i] >= 0) buf_f(&m->b, "accolade_connections_waiting{pool=\"%s\"} %lld\n", names[i], (long long)waiting[i]);
    }
}

static void put_pools(struct metrics *m) {
    put_of_pools(m, "accolade_events_total", "counter", "Events settled, repeats and refused ones too.",
                 offsetof(struct pool_counts, events));
    put_set_sizes(m);
    put_workers(m);
    put_waiting(m);
    put_of_pools(m, "accolade_worker_starts_total", "counter", "Workers started.", offsetof(struct pool_counts, starts));
    put_of_pools(m, "accolade_worker_deaths_total", "counter", "Workers that ended though nobody had asked for it.",
                 offsetof(struct pool_counts, deaths));
}

/* ---- servers, retries, limits ---- */

static void put_probe(struct metrics *m, const char *name, const struct probe *probe) {
    enum probe_state state = (enum probe_state)atomic_load(&probe->state);
    if (state == PROBE_OK || state == PROBE_AWAY) buf_f(&m->b, "accolade_server_up{server=\"%s\"} %d\n", name, state == PROBE_OK);
}

static void put_servers(struct metrics *m) {
    const struct counts *c = &m->page->counts;
    head(m, "accolade_server_up", "gauge", "Whether the server answered the worker that asked last; absent where none is set.");
    put_probe(m, "database", &m->page->database);
    put_probe(m, "memcached", &m->page->cache);
    head(m, "accolade_database_results_total", "counter", "Statements and commits of workers, by what came of them.");
    for (int r = DB_OK; r <= DB_FATAL; r++) {
        buf_f(&m->b, "accolade_database_results_total{result=\"%s\"} %llu\n", db_result_name((enum db_result)r), value(&c->results[r]));
    }
    head(m, "accolade_database_connections_total", "counter", "Connections that workers made to the database.");
    buf_f(&m->b, "accolade_database_connections_total %llu\n", value(&c->connections));
}

static void put_breaker(struct metrics *m) {
    const struct breaker *breaker = &m->page->breaker;
    int64_t now_us = clock_monotonic_us();
    int quarantined = 0;
    for (size_t i = 0; i < SUSPECTS_MAX; i++) {
        const struct suspect *s = &m->page->suspects[i];
        quarantined += atomic_load(&s->hash) != 0 && atomic_load(&s->strikes) >= STRIKES_MAX && atomic_load(&s->until_us) > now_us;
    }
    head(m, "accolade_database_breaker_open", "gauge", "Whether all workers answer 503 without asking the database, because it hung.");
    buf_f(&m->b, "accolade_database_breaker_open %d\n", atomic_load(&breaker->open));
    head(m, "accolade_database_breaker_trips_total", "counter", "How often that began.");
    buf_f(&m->b, "accolade_database_breaker_trips_total %llu\n", value(&breaker->trips));
    head(m, "accolade_quarantined", "gauge", "Events and requests that are refused because workers died of them.");
    buf_f(&m->b, "accolade_quarantined %d\n", quarantined);
}

static void put_cache(struct metrics *m) {
    head(m, "accolade_memcached_results_total", "counter", "Calls of workers to memcached, by what came of them.");
    for (size_t i = 0; i < COUNT(cache_results); i++) {
        buf_f(&m->b, "accolade_memcached_results_total{result=\"%s\"} %llu\n", cache_results[i].name, value(&m->page->counts.cache[i]));
    }
}

static void put_tries(struct metrics *m) {
    static const struct {
        int tried;
        const char *why;
    } rows[] = {{TRIED_AGAIN, "changed"}, {TRIED_LOST, "lost"},   {TRIED_UNKNOWN, "unknown"},
                {TRIED_BUSY, "busy"},     {TRIED_FAULT, "fault"}, {TRIED_DONE, "write"}};
    head(m, "accolade_retries_total", "counter", "Transactions that were run again or in parts, by why; write: those that are no events.");
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_f(&m->b, "accolade_retries_total{why=\"%s\"} %llu\n", rows[i].why, value(&m->page->counts.tries[rows[i].tried]));
    }
}

static void put_limits(struct metrics *m) {
    head(m, "accolade_rate_limited_total", "counter", "Requests that a rate limit refused.");
    for (int rate = RATE_NONE + 1; rate < RATE__MAX; rate++) {
        buf_f(&m->b, "accolade_rate_limited_total{limit=\"%s\"} %llu\n", rate_names[rate - 1], value(&m->page->rate_refused[rate]));
    }
    head(m, "accolade_rate_displaced_total", "counter", "Keys and members that lost their place in the table of rate limits.");
    buf_f(&m->b, "accolade_rate_displaced_total %llu\n", value(&m->page->rates.displaced));
}

static void put_hosts(struct metrics *m) {
    const struct hosts *h = &m->page->hosts;
    head(m, "accolade_rate_hosts", "gauge", "Other hosts that told lately what they let pass.");
    buf_f(&m->b, "accolade_rate_hosts %zu\n", hosts_there(h, clock_monotonic_us()));
    head(m, "accolade_rate_shares_total", "counter",
         "What this host told of a key or member and heard of one; left: for want of room, told later.");
    buf_f(&m->b, "accolade_rate_shares_total{what=\"told\"} %llu\n", value(&h->shares_told));
    buf_f(&m->b, "accolade_rate_shares_total{what=\"heard\"} %llu\n", value(&h->shares_heard));
    buf_f(&m->b, "accolade_rate_shares_total{what=\"left\"} %llu\n", value(&h->shares_left));
}

static void put_log(struct metrics *m) {
    head(m, "accolade_log_lines_lost_total", "counter", "Lines of the log that workers could not write.");
    buf_f(&m->b, "accolade_log_lines_lost_total %llu\n", value(&m->page->counts.lines_lost));
}

struct str metrics_render(struct service *s, struct arena *a, const struct metric_route *routes, size_t n) {
    struct metrics m = {.b = buf_new(a, SIZE_MAX), .page = s->page, .settings = &s->settings};
    MUST(n < COUNT_ROUTES);
    if (m.page == NULL) return STR("");
    head(&m, "accolade_start_time_seconds", "gauge", "When the pool was started: where all these counters began.");
    buf_f(&m.b, "accolade_start_time_seconds %lld.%03lld\n", (long long)m.page->started_ms / 1000, (long long)m.page->started_ms % 1000);
    put_requests(&m, routes, n);
    put_pools(&m);
    put_servers(&m);
    put_breaker(&m);
    put_cache(&m);
    put_tries(&m);
    put_limits(&m);
    put_hosts(&m);
    put_log(&m);
    MUST(buf_ok(&m.b));
    return buf_str(&m.b);
}

static void add(atomic_uint_fast64_t *n, uint64_t by) {
    if (by > 0) atomic_fetch_add_explicit(n, by, memory_order_relaxed);
}

static uint64_t cache_count(const struct cache_counts *c, size_t i) {
    return *(const uint64_t *)(const void *)((const char *)c + cache_results[i].offset);
}

void metrics_tell(struct service *s) {
    if (s->page == NULL) return;
    struct counts *c = &s->page->counts;
    const struct db_tally *db = db_tally(s->db);
    struct cache_counts cache = cache_counts(s->cache);
    for (int r = DB_OK; r <= DB_FATAL; r++) add(&c->results[r], db->results[r] - s->db_told.results[r]);
    add(&c->connections, db->connections - s->db_told.connections);
    for (size_t i = 0; i < COUNT_CACHE; i++) add(&c->cache[i], cache_count(&cache, i) - cache_count(&s->cache_told, i));
    add(&c->lines_lost, log_lost() - s->lost_told);
    s->db_told = *db;
    s->cache_told = cache;
    s->lost_told = log_lost();
}

void service_count_retry(struct service *s, int why) {
    if (s->page != NULL) add(&s->page->counts.tries[why], 1);
}
