#include "fcgi/master.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "fcgi/pool.h"
#include "fcgi/transport.h"

/* How often the master looks around when no signal comes: hung workers, back-offs, the readiness of new ones. */
enum { TICK_MS = 100 };

static void open_log(const struct settings *s) { log_open(s->log_file, (enum log_level)s->log_level, "accolade-fcgi"); }

/* ---- starting ---- */

enum { GLANCES_MAX = 8 }; /* quick reads that one worker of api takes at once: more gain little, and one waits for all before it */

static void make_pools(struct master *m) {
    const struct settings *s = &m->settings;
    const struct {
        const char *name, *path;
        int64_t workers, requests_max;
        bool glances;
    } pools[PAGE_POOLS] = {
        {"events", s->events_socket, s->events_workers, s->set_requests_max, false},
        {"bulk", s->bulk_socket, s->bulk_workers, 1, false}, /* a large array is a set of its own */
        {"api", s->api_socket, s->api_workers, GLANCES_MAX, true},
    };
    for (size_t i = 0; i < PAGE_POOLS; i++) {
        MUST(pools[i].workers <= POOL_WORKERS_MAX && pools[i].requests_max <= SET_REQUESTS_MAX);
        m->listeners[i] = (struct listener){.name = pools[i].name, .path = pools[i].path};
        m->pools[i] = (struct pool){
            .listener = &m->listeners[i],
            .n_places = (size_t)pools[i].workers,
            .requests_max = (size_t)pools[i].requests_max,
            .glances = pools[i].glances,
            .renewing = (size_t)pools[i].workers,
            .counts = &m->page->pools[i],
        };
        snprintf(m->page->named[i].name, sizeof m->page->named[i].name, "%s", pools[i].name);
        m->page->named[i].workers = pools[i].workers;
    }
}

static void check_somaxconn(const struct settings *s) {
    int64_t allowed = listener_somaxconn();
    if (allowed >= s->backlog) return;
    log_line(LOG_WARN, "master", "what=\"the system allows a smaller backlog\" somaxconn=%lld backlog=%lld", (long long)allowed,
             (long long)s->backlog);
}

static bool write_pid(const char *path) {
    char text[32];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    bool ok = fd >= 0 && write(fd, text, (size_t)n) == n;
    if (fd >= 0) close(fd);
    return ok;
}

static bool cannot_write(const char *what) {
    log_line(LOG_ERROR, "master", "what=\"cannot write %s\" why=\"%s\"", what, strerrordesc_np(errno));
    return false;
}

static bool start(struct master *m, const struct master_options *options) {
    struct str error;
    m->page_file.path = m->settings.page_file;
    m->page = page_new(&m->page_file, clock_now_ms(), clock_monotonic_us());
    if (m->page == NULL) return cannot_write("page_file");
    make_pools(m);
    if (!listeners_open(m->arena, m->listeners, PAGE_POOLS, (int)m->settings.backlog, &error)) {
        log_line(LOG_ERROR, "master", "what=\"cannot listen\" why=%s", log_quote(m->arena, error));
        page_unpublish(&m->page_file);
        return false;
    }
    check_somaxconn(&m->settings);
    bool pid_written = options->pid_file == NULL || write_pid(options->pid_file);
    if (!pid_written || !page_publish(&m->page_file)) {
        cannot_write(pid_written ? "page_file" : "the pid file");
        listeners_unlink(m->listeners, PAGE_POOLS);
        page_unpublish(&m->page_file);
        return false;
    }
    log_line(LOG_INFO, "master", "what=started events=%zu bulk=%zu api=%zu", m->pools[0].n_places, m->pools[1].n_places,
             m->pools[2].n_places);
    return true;
}

/* ---- signals ---- */

/* Settings that may change are taken over by the workers that start from now on; the log is opened anew (it was rotated). */
static void reload(struct master *m, const struct master_options *options) {
    struct settings fresh;
    struct str error, ignored;
    if (settings_load(m->arena, options->conf, &fresh, &error)) {
        ignored = settings_take_over(m->arena, &m->settings, &fresh);
        if (ignored.n > 0) log_line(LOG_WARN, "master", "what=\"settings that need a restart\" names=%s", log_quote(m->arena, ignored));
    } else {
        log_line(LOG_ERROR, "master", "what=\"the settings stay as they were\" why=%s", log_quote(m->arena, error));
    }
    open_log(&m->settings);
    log_line(LOG_INFO, "master", "what=\"replaces all workers\"");
    m->renewed_us = clock_monotonic_us();
    for (size_t i = 0; i < PAGE_POOLS; i++) pool_renew(&m->pools[i]);
}

/* The files go first: no new connection comes, and what was accepted before is answered. */
static void stop(struct master *m) {
    if (m->stopping_us != 0) return;
    m->stopping_us = clock_monotonic_us();
    log_line(LOG_INFO, "master", "what=\"drains and ends\"");
    listeners_unlink(m->listeners, PAGE_POOLS);
    for (size_t i = 0; i < PAGE_POOLS; i++) pool_signal(&m->pools[i], SIGTERM);
}

static void reap(struct master *m) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) pool_reap(m, pid, status, clock_monotonic_us());
}

/* Whether all is done. Where workers died before the backlog was empty, another one takes their place. A socket that systemd handed
 * over stays open there: what waits in it is for our successor. */
static bool has_drained(struct master *m) {
    int64_t now_us = clock_monotonic_us();
    bool in_time = now_us - m->stopping_us < m->settings.drain_ms * 1000, done = true;
    for (size_t i = 0; i < PAGE_POOLS; i++) {
        struct pool *p = &m->pools[i];
        bool left = pool_children(p) > 0;
        if (!left && in_time && listener_has_waiting(p->listener)) {
            pool_start_draining(m, p, now_us);
            left = true;
        }
        if (left) done = false;
    }
    return done;
}

static void log_counts(const struct master *m) {
    for (size_t i = 0; i < PAGE_POOLS; i++) {
        const struct pool_counts *c = m->pools[i].counts;
        log_line(LOG_INFO, "pool", "pool=%s requests=%llu sets=%llu starts=%llu deaths=%llu", m->listeners[i].name,
                 (unsigned long long)atomic_load(&c->requests), (unsigned long long)atomic_load(&c->sets),
                 (unsigned long long)atomic_load(&c->starts), (unsigned long long)atomic_load(&c->deaths));
    }
}

static void run(struct master *m, const struct master_options *options, const sigset_t *signals) {
    const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
    for (;;) {
        int64_t now_us = clock_monotonic_us();
        atomic_store(&m->page->beat_us, now_us);
        for (size_t i = 0; i < PAGE_POOLS; i++) pool_tick(m, &m->pools[i], now_us);
        int signal = sigtimedwait(signals, NULL, &tick);
        if (signal == SIGTERM || signal == SIGINT) stop(m);
        if (signal == SIGHUP && m->stopping_us == 0) reload(m, options);
        reap(m);
        if (m->stopping_us != 0 && has_drained(m)) return;
    }
}

int master_run(const struct master_options *options, const struct settings *settings, struct arena *a) {
    struct master m = {.settings = *settings, .arena = a};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGCHLD);
    int failed = sigprocmask(SIG_BLOCK, &signals, NULL); /* before the first fork: none is lost, and workers begin with them blocked */
    MUST(!failed);
    if (!start(&m, options)) return 1;
    run(&m, options, &signals);
    listeners_close(m.listeners, PAGE_POOLS);
    if (options->pid_file != NULL) unlink(options->pid_file);
    log_counts(&m);
    log_line(LOG_INFO, "master", "what=ended");
    page_unpublish(&m.page_file);
    page_free(&m.page);
    return 0;
}
