#include "fcgi/pool.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "fcgi/worker.h"

/* A worker that dies this soon after its start would do so again at once. */
#define EARLY_DEATH_US INT64_C(2000000)
#define BACKOFF_US_MIN INT64_C(100000)
#define BACKOFF_US_MAX INT64_C(5000000)
/* A request's deadline is 4 s, and of those taken at once at most one is waited for, 2 s: who has given no sign of life for this long never
 * will. */
#define HUNG_US INT64_C(10000000)

/* ---- starting ---- */

static struct child start(struct master *m, struct pool *p, bool draining) {
    int64_t now_us = clock_monotonic_us();
    struct child child = {.slot = page_slot_take(m->page, (size_t)(p - m->pools), now_us), .started_us = now_us};
    struct worker_job job = {
        .settings = &m->settings,
        .pool = p->listener->name,
        .listener = p->listener->fd,
        .requests_max = p->requests_max,
        .glances = p->glances,
        .draining = draining,
        .master = getpid(),
        .page = m->page,
        .slot = child.slot,
        .counts = p->counts,
    };
    MUST(child.slot != NULL); /* there are two for each place */
    child.pid = fork();
    if (child.pid == 0) {
        for (size_t i = 0; i < PAGE_POOLS; i++) {
            if (m->listeners[i].fd != job.listener) close(m->listeners[i].fd);
        }
        exit(worker_run(&job));
    }
    if (child.pid < 0) {
        log_line(LOG_ERROR, "worker", "pool=%s what=\"cannot fork\" why=\"%s\"", job.pool, strerrordesc_np(errno));
        page_slot_give(child.slot);
        return (struct child){0};
    }
    atomic_fetch_add(&p->counts->starts, 1);
    log_line(LOG_INFO, "worker", "pool=%s worker=%ld what=started", job.pool, (long)child.pid);
    return child;
}

static void start_in(struct master *m, struct pool *p, struct place *place, int64_t now_us) {
    place->now = start(m, p, false);
    if (place->now.pid == 0) place->start_us = now_us + BACKOFF_US_MAX;
}

/* ---- ending ---- */

static void back_off(struct place *place, const struct child *dead, int64_t now_us) {
    if (now_us - dead->started_us >= EARLY_DEATH_US) {
        place->delay_us = 0;
    } else {
        place->delay_us = place->delay_us == 0 ? BACKOFF_US_MIN : place->delay_us * 2;
        if (place->delay_us > BACKOFF_US_MAX) place->delay_us = BACKOFF_US_MAX;
    }
    place->start_us = now_us + place->delay_us;
}

static void log_end(struct pool *p, const struct child *c, int status) {
    const char *name = p->listener->name;
    bool asked = c->asked_us != 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!asked) atomic_fetch_add(&p->counts->deaths, 1);
    if (WIFSIGNALED(status)) {
        log_line(LOG_ERROR, "worker", "pool=%s worker=%ld what=died signal=%d signal_name=%s%s", name, (long)c->pid, WTERMSIG(status),
                 sigabbrev_np(WTERMSIG(status)), c->killed ? " why=\"killed by the master\"" : "");
    } else {
        log_line(asked ? LOG_INFO : LOG_WARN, "worker", "pool=%s worker=%ld what=ended status=%d", name, (long)c->pid, WEXITSTATUS(status));
    }
}

/* Nobody can say which of them it was: each gets a strike. */
static void strike(struct page *page, struct pool *p, const struct child *c, int64_t now_us) {
    size_t n = atomic_load(&c->slot->n_in_hand), known = 0;
    bool on_trial = atomic_load(&c->slot->on_trial);
    for (size_t i = 0; i < n && i < IN_HAND_MAX; i++) {
        uint64_t suspect = atomic_load(&c->slot->in_hand[i]);
        if (page_strike(page, suspect, on_trial, now_us) < STRIKES_MAX) continue;
        known++;
        log_line(LOG_ERROR, "suspect", "pool=%s worker=%ld what=\"refused from now on\" suspect=%016llx", p->listener->name, (long)c->pid,
                 (unsigned long long)suspect);
    }
    if (n > known) {
        log_line(LOG_WARN, "suspect", "pool=%s worker=%ld what=\"served alone from now on\" suspects=%zu", p->listener->name, (long)c->pid,
                 n - known);
    }
}

static bool reap_in(struct page *page, struct pool *p, pid_t pid, int status, int64_t now_us) {
    for (size_t i = 0; i < p->n_places; i++) {
        struct place *place = &p->places[i];
        struct child *c = place->now.pid == pid ? &place->now : place->old.pid == pid ? &place->old : NULL;
        if (c == NULL) continue;
        log_end(p, c, status);
        strike(page, p, c, now_us);
        page_slot_give(c->slot);
        if (c == &place->now) back_off(place, c, now_us);
        *c = (struct child){0};
        return true;
    }
    return false;
}

void pool_reap(struct master *m, pid_t pid, int status, int64_t now_us) {
    for (size_t i = 0; i < PAGE_POOLS; i++) {
        if (reap_in(m->page, &m->pools[i], pid, status, now_us)) return;
    }
}

static void ask(struct child *c, int signal) {
    if (c->pid == 0) return;
    if (c->asked_us == 0) c->asked_us = clock_monotonic_us();
    kill(c->pid, signal);
}

void pool_signal(struct pool *p, int signal) {
    for (size_t i = 0; i < p->n_places; i++) {
        ask(&p->places[i].now, signal);
        ask(&p->places[i].old, signal);
    }
}

size_t pool_children(const struct pool *p) {
    size_t n = 0;
    for (size_t i = 0; i < p->n_places; i++) n += (size_t)(p->places[i].now.pid != 0) + (size_t)(p->places[i].old.pid != 0);
    return n;
}

static void kill_child(struct pool *p, struct child *c, const char *why) {
    log_line(LOG_ERROR, "worker", "pool=%s worker=%ld what=\"is killed\" why=\"%s\" in_set=%d", p->listener->name, (long)c->pid, why,
             atomic_load(&c->slot->in_set));
    c->killed = true;
    kill(c->pid, SIGKILL);
}

static void check_child(const struct master *m, struct pool *p, struct child *c, int64_t now_us) {
    if (c->pid == 0 || c->killed) return;
    if (now_us - atomic_load(&c->slot->beat_us) > HUNG_US) {
        kill_child(p, c, "no sign of life");
    } else if (c->asked_us != 0 && now_us - c->asked_us > (m->settings.drain_ms + 1000) * 1000) {
        kill_child(p, c, "did not end in drain_ms");
    }
}

/* ---- replacing one by one ---- */

void pool_renew(struct pool *p) { p->renewing = 0; }

/* The place being renewed: a new worker is started beside the old one, which is told to leave as soon as the new one is ready. One
 * that does not get ready is started again after its back-off; the old one stays until then. */
static void renew_tick(struct master *m, struct pool *p, int64_t now_us) {
    struct place *place = &p->places[p->renewing];
    bool begun = place->old.pid != 0;
    if (!begun && place->now.pid != 0 && place->now.started_us < m->renewed_us) {
        place->old = place->now;
        start_in(m, p, place, now_us);
        return;
    }
    bool ready = place->now.pid != 0 && atomic_load(&place->now.slot->ready);
    if (begun && ready && place->old.asked_us == 0) ask(&place->old, SIGHUP);
    if (!begun && ready) p->renewing++;
}

void pool_tick(struct master *m, struct pool *p, int64_t now_us) {
    for (size_t i = 0; i < p->n_places; i++) {
        struct place *place = &p->places[i];
        check_child(m, p, &place->now, now_us);
        check_child(m, p, &place->old, now_us);
        if (place->now.pid == 0 && m->stopping_us == 0 && now_us >= place->start_us) start_in(m, p, place, now_us);
    }
    if (p->renewing < p->n_places && m->stopping_us == 0) renew_tick(m, p, now_us);
}

void pool_start_draining(struct master *m, struct pool *p, int64_t now_us) {
    struct place *place = &p->places[0];
    if (now_us < place->start_us) return;
    place->now = start(m, p, true);
    place->now.asked_us = now_us;
}
