#include "service/live.h"

#include <errno.h>

#include "base/clock.h"
#include "base/json.h"
#include "shm/backlog.h"
#include "shm/page.h"

enum { LIVE_TEXT_MAX = 64 * 1024 };
/* The master is heard every 100 ms: a page without a word for this long is what a killed one left. */
#define SILENT_US_MAX INT64_C(3000000)

struct figures {
    uint64_t requests, events, sets, refused, failed, duration_us;
    uint64_t durations[PAGE_DURATIONS], set_sizes[PAGE_SET_SIZES];
};
struct live_pool {
    struct str name;
    int64_t wanted, ready, busy, held, waiting;
    uint64_t starts, deaths;
    struct figures figures;
};
struct live_probe {
    enum probe_state state;
    int64_t age_us;
};
struct live {
    int64_t taken_us, taken_ms, started_us, started_ms, master;
    struct live_probe database, cache;
    struct live_pool pools[PAGE_POOLS];
};

/* ---- reading ---- */

static struct str refusal_text(struct arena *a, const char *path, enum page_refusal refusal, uint32_t layout) {
    switch (refusal) {
    case PAGE_FINE: break;
    case PAGE_UNREADABLE: return str_printf(a, "%s: %s (page_file, which accolade-fcgi makes while it runs)", path, strerrordesc_np(errno));
    case PAGE_FOREIGN: return str_printf(a, "%s: is no page of accolade-fcgi", path);
    case PAGE_OTHER_LAYOUT:
        return str_printf(a, "%s: the pool is of another build (layout %u, this command reads %d): use the command that came with it", path,
                          layout, PAGE_LAYOUT);
    }
    NEVER("a page that is fine is not refused");
}

static struct figures figures_of(const struct pool_counts *c) {
    struct figures f = {
        .requests = atomic_load(&c->requests),
        .events = atomic_load(&c->events),
        .sets = atomic_load(&c->sets),
        .refused = atomic_load(&c->refused),
        .failed = atomic_load(&c->failed),
        .duration_us = atomic_load(&c->duration_us),
    };
    for (size_t i = 0; i < PAGE_DURATIONS; i++) f.durations[i] = atomic_load(&c->durations[i]);
    for (size_t i = 0; i < PAGE_SET_SIZES; i++) f.set_sizes[i] = atomic_load(&c->set_sizes[i]);
    return f;
}

static void read_pools(const struct page *page, struct arena *a, struct live *live) {
    for (size_t i = 0; i < PAGE_POOLS; i++) {
        const char *name = page->named[i].name;
        live->pools[i] = (struct live_pool){
            .name = str_copy(a, (struct str){name, strnlen(name, PAGE_POOL_NAME_BYTES)}),
            .wanted = page->named[i].workers,
            .starts = atomic_load(&page->pools[i].starts),
            .deaths = atomic_load(&page->pools[i].deaths),
            .figures = figures_of(&page->pools[i]),
        };
    }
    for (size_t i = 0; i < PAGE_SLOTS; i++) {
        const struct worker_slot *slot = &page->slots[i];
        uint_fast32_t pool = atomic_load(&slot->pool);
        if (!atomic_load(&slot->taken) || pool >= PAGE_POOLS) continue;
        live->pools[pool].ready += atomic_load(&slot->ready);
        live->pools[pool].busy += atomic_load(&slot->in_set);
        live->pools[pool].held += (int64_t)atomic_load(&slot->held);
    }
}

static void read_waiting(const struct settings *s, struct live *live) {
    const struct { const char *name, *path; } sockets[] = {{"events", s->events_socket}, {"bulk", s->bulk_socket}, {"api", s->api_socket}};
    const char *paths[COUNT(sockets)];
    int64_t waiting[COUNT(sockets)];
    for (size_t i = 0; i < COUNT(sockets); i++) paths[i] = sockets[i].path;
    backlogs_waiting(paths, COUNT(paths), waiting);
    for (size_t i = 0; i < PAGE_POOLS; i++) {
        live->pools[i].waiting = -1;
        for (size_t k = 0; k < COUNT(sockets); k++) {
            if (str_is(live->pools[i].name, sockets[k].name)) live->pools[i].waiting = waiting[k];
        }
    }
}

static struct live_probe read_probe(const struct probe *p, int64_t now_us) {
    return (struct live_probe){(enum probe_state)atomic_load(&p->state), now_us - atomic_load(&p->at_us)};
}

bool live_read(const struct settings *settings, struct arena *a, struct live **out, struct str *error) {
    const char *path = settings->page_file;
    struct page *page;
    uint32_t layout = 0;
    if (path[0] == '\0') {
        *error = STR("the setting page_file is empty: the pool keeps its page to itself");
        return false;
    }
    enum page_refusal refusal = page_map(path, &page, &layout);
    if (refusal != PAGE_FINE) {
        *error = refusal_text(a, path, refusal, layout);
        return false;
    }
    struct live *live = NEW(a, struct live);
    live->taken_us = clock_monotonic_us();
    live->taken_ms = clock_now_ms();
    live->started_us = page->started_us;
    live->started_ms = page->started_ms;
    live->master = page->master;
    live->database = read_probe(&page->database, live->taken_us);
    live->cache = read_probe(&page->cache, live->taken_us);
    int64_t silent_us = live->taken_us - atomic_load(&page->beat_us);
    read_pools(page, a, live);
    page_free(&page);
    if (silent_us > SILENT_US_MAX) {
        *error = str_printf(a, "%s: no sign of life from accolade-fcgi (process %lld) for %lld s", path, (long long)live->master,
                            (long long)(silent_us / 1000000));
        return false;
    }
    read_waiting(settings, live);
    *out = live;
    return true;
}

/* ---- reckoning ---- */

static struct figures minus(const struct figures *a, const struct figures *b) {
    struct figures f = {a->requests - b->requests,
                        a->events - b->events,
                        a->sets - b->sets,
                        a->refused - b->refused,
                        a->failed - b->failed,
                        a->duration_us - b->duration_us,
                        {0},
                        {0}};
    for (size_t i = 0; i < PAGE_DURATIONS; i++) f.durations[i] = a->durations[i] - b->durations[i];
    for (size_t i = 0; i < PAGE_SET_SIZES; i++) f.set_sizes[i] = a->set_sizes[i] - b->set_sizes[i];
    return f;
}

static uint64_t measured(const struct figures *f) {
    uint64_t n = 0;
    for (size_t i = 0; i < PAGE_DURATIONS; i++) n += f->durations[i];
    return n;
}

/* The duration in µs that `percent` of the requests do not exceed: the place within its power of two, as if they lay evenly there. */
static int64_t percentile(const struct figures *f, uint64_t percent) {
    uint64_t n = measured(f), below = 0, wanted = (n * percent + 99) / 100;
    for (size_t i = 0; i < PAGE_DURATIONS; i++) {
        uint64_t here = f->durations[i], low = i == 0 ? 0 : UINT64_C(1) << (i - 1), width = i == 0 ? 1 : low;
        if (here > 0 && below + here >= wanted) return (int64_t)(low + width * (wanted - below) / here);
        below += here;
    }
    return 0;
}

/* ---- writing ---- */

static void put(struct json_writer *w, const char *key, int64_t value) {
    json_key(w, key);
    json_put_i64(w, value);
}

/* µs as ms, or as s with three decimals */
static void put_thousandths(struct json_writer *w, const char *key, int64_t value) {
    json_key(w, key);
    json_put_thousandths(w, value);
}

static void put_probe(struct json_writer *w, const char *key, const struct live_probe *p) {
    static const char *const names[] = {"unknown", "ok", "away", "none"};
    json_key(w, key);
    json_open_object(w);
    json_key(w, "state");
    json_put_z(w, names[p->state]);
    json_key(w, "age_s");
    if (p->state == PROBE_NEVER) {
        json_put_null(w);
    } else {
        json_put_thousandths(w, p->age_us / 1000);
    }
    json_close_object(w);
}

static void put_durations(struct json_writer *w, const struct figures *f) {
    uint64_t n = measured(f);
    json_key(w, "duration_ms");
    if (n == 0) {
        json_put_null(w);
        return;
    }
    json_open_object(w);
    put_thousandths(w, "mean", (int64_t)(f->duration_us / n));
    put_thousandths(w, "p50", percentile(f, 50));
    put_thousandths(w, "p95", percentile(f, 95));
    put_thousandths(w, "p99", percentile(f, 99));
    json_close_object(w);
}

static void put_set_sizes(struct json_writer *w, const struct figures *f) {
    json_key(w, "set_sizes");
    json_open_array(w);
    for (size_t i = 0; i < PAGE_SET_SIZES; i++) {
        json_open_object(w);
        put(w, "up_to", INT64_C(1) << i);
        put(w, "sets", (int64_t)f->set_sizes[i]);
        json_close_object(w);
    }
    json_close_array(w);
}

/* interval_us 0: numbers as they are, else by second. */
static void put_figures(struct json_writer *w, const struct figures *f, int64_t interval_us) {
    const struct {
        const char *total, *rate;
        uint64_t n;
    } numbers[] = {{"requests", "requests_per_s", f->requests},
                   {"events", "events_per_s", f->events},
                   {"sets", "sets_per_s", f->sets},
                   {"refused", "refused_per_s", f->refused},
                   {"failed", "failed_per_s", f->failed}};
    json_open_object(w);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        if (interval_us == 0) {
            put(w, numbers[i].total, (int64_t)numbers[i].n);
        } else {
            double by_second = (double)numbers[i].n * 1e6 / (double)interval_us;
            put_thousandths(w, numbers[i].rate, (int64_t)(by_second * 10 + 0.5) * 100);
        }
    }
    put_durations(w, f);
    put_set_sizes(w, f);
    json_close_object(w);
}

static void put_pool(struct json_writer *w, const struct live_pool *before, const struct live_pool *now, int64_t interval_us) {
    json_open_object(w);
    json_key(w, "pool");
    json_put_str(w, now->name);
    json_key(w, "workers");
    json_open_object(w);
    put(w, "wanted", now->wanted);
    put(w, "ready", now->ready);
    put(w, "busy", now->busy);
    put(w, "starts", (int64_t)now->starts);
    put(w, "deaths", (int64_t)now->deaths);
    json_close_object(w);
    json_key(w, "waiting");
    if (now->waiting < 0) {
        json_put_null(w);
    } else {
        json_put_i64(w, now->waiting);
    }
    put(w, "held", now->held);
    json_key(w, "total");
    put_figures(w, &now->figures, 0);
    json_key(w, "now");
    if (before == NULL) {
        json_put_null(w);
    } else {
        struct figures between = minus(&now->figures, &before->figures);
        put_figures(w, &between, interval_us);
    }
    json_close_object(w);
}

struct str live_render(struct arena *a, const struct live *before, const struct live *now) {
    struct buf b = buf_new(a, LIVE_TEXT_MAX);
    struct json_writer w = json_writer_of(&b);
    bool follows =
        before != NULL && before->started_us == now->started_us && before->master == now->master && before->taken_us < now->taken_us;
    int64_t interval_us = follows ? now->taken_us - before->taken_us : 0;
    json_open_object(&w);
    json_key(&w, "taken_at");
    json_put_time(&w, now->taken_ms);
    json_key(&w, "started_at");
    json_put_time(&w, now->started_ms);
    put(&w, "master", now->master);
    json_key(&w, "interval_s");
    if (follows) {
        json_put_thousandths(&w, interval_us / 1000);
    } else {
        json_put_null(&w);
    }
    put_probe(&w, "database", &now->database);
    put_probe(&w, "memcached", &now->cache);
    json_key(&w, "pools");
    json_open_array(&w);
    for (size_t i = 0; i < PAGE_POOLS; i++) put_pool(&w, follows ? &before->pools[i] : NULL, &now->pools[i], interval_us);
    json_close_array(&w);
    json_close_object(&w);
    MUST(buf_ok(&b));
    return buf_str(&b);
}
