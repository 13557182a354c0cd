#include "fcgi/worker.h"

#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/trap.h"
#include "fcgi/transport.h"
#include "handlers/routes.h"
#include "service/hosts.h"
#include "service/metrics.h"
#include "service/ready.h"
#include "service/shared.h"

enum { IDLE_MS = 3000, SHARING_MS = 1000, BREAKER_MS = 500, LAST_WAIT_MS = 50, PROBE_EVERY_US = 1000 * 1000 };

struct worker {
    const struct worker_job *job;
    struct service *service;
    struct transport *transport;
    struct arena *arena; /* of the set */
    bool schema_known;
    int64_t idle_us;   /* when the connection was last looked after */
    int64_t ending_us; /* since when the worker has been told to end, 0: it has not */
    bool drains;
    int64_t answered_us[SET_REQUESTS_MAX];
};

/* ---- signals: blocked except while waiting, so that none is lost between a look and a wait ---- */

static volatile sig_atomic_t told_to_drain, told_to_leave;

static void on_term(int signal) {
    (void)signal;
    told_to_drain = 1;
}

static void on_hup(int signal) {
    (void)signal;
    told_to_leave = 1;
}

static void take_signals(sigset_t *while_waiting) {
    struct sigaction term = {.sa_handler = on_term}, hup = {.sa_handler = on_hup};
    int failed = sigaction(SIGTERM, &term, NULL) | sigaction(SIGINT, &term, NULL) | sigaction(SIGHUP, &hup, NULL);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGHUP);
    sigemptyset(while_waiting);
    failed |= sigprocmask(SIG_SETMASK, &blocked, NULL);
    MUST(!failed);
}

/* ---- one set ---- */

static void send_answer(struct serving *set, size_t i) {
    struct worker *w = set->ctx;
    trap("before-answer");
    transport_answer(w->transport, i, response_text(set->requests[i], &set->responses[i]));
    w->answered_us[i] = clock_monotonic_us();
}

/* The route's name and the member's number stand for the path, which is never logged. */
static void log_request(const struct worker *w, const struct serving *set, size_t i) {
    const struct request *r = set->requests[i];
    const struct response *out = &set->responses[i];
    const char *member = r->member.v != 0 ? str_z(set->arena, str_printf(set->arena, "%llu", (unsigned long long)r->member.v)) : "-";
    struct str key = r->who.key_id.n > 0 ? r->who.key_id : STR("-"), trace = r->traceparent.n > 0 ? r->traceparent : STR("-");
    log_line(out->status >= 500 ? LOG_WARN : LOG_INFO, "request",
             "status=%d problem=%s route=%s method=%s ms=%.1f tenant=%u key=" STR_FMT " member=%s request_id=" STR_FMT
             " traceparent=" STR_FMT " bytes_in=%zu bytes_out=%zu set=%zu pool=%s",
             out->status, out->problem != P_OK ? problem_row(out->problem)->code : "-", r->route != NULL ? r->route->name : "-",
             method_name(r->method), (double)(w->answered_us[i] - r->arrived_us) / 1000, r->who.tenant.id.v, STR_ARG(key), member,
             STR_ARG(r->request_id), STR_ARG(trace), r->body.n, out->body.n, set->n, w->job->pool);
}

/* What is logged on the way names its requests; a set of several cannot say which of them it was. */
static void name_requests(struct worker *w, struct request *const *requests, size_t n) {
    struct buf b = buf_new(w->arena, SIZE_MAX);
    buf_z(&b, n == 1 ? "request_id=" : "request_ids=");
    for (size_t i = 0; i < n; i++) buf_f(&b, "%s" STR_FMT, i > 0 ? "," : "", STR_ARG(requests[i]->request_id));
    if (n == 1 && requests[0]->traceparent.n > 0) buf_f(&b, " traceparent=" STR_FMT, STR_ARG(requests[0]->traceparent));
    log_context(buf_str(&b));
}

static void note_held(struct worker *w) { atomic_store(&w->job->slot->held, (uint_fast32_t)transport_held(w->transport)); }

static bool goes_with_others(struct request *r, void *worker) {
    struct worker *w = worker;
    return serve_is_glance(w->service, &route_table, r);
}

/* false: there was nothing; another worker was quicker, or the client had left. */
static bool serve_what_waits(struct worker *w) {
    struct request *requests[SET_REQUESTS_MAX];
    struct response responses[SET_REQUESTS_MAX] = {0};
    int64_t now_us = clock_monotonic_us();
    page_beat(w->job->slot, true, now_us);
    size_t n = transport_take(w->transport, page_is_careful(w->job->page, now_us) ? 1 : w->job->requests_max,
                              w->job->glances ? goes_with_others : NULL, w);
    note_held(w);
    if (n == 0) return false;
    for (size_t i = 0; i < n; i++) requests[i] = transport_request(w->transport, i);
    struct serving set = {
        .service = w->service,
        .table = &route_table,
        .arena = w->arena,
        .requests = requests,
        .responses = responses,
        .n = n,
        .answered = send_answer,
        .ctx = w,
    };
    name_requests(w, requests, n);
    serve(&set);
    log_context(STR(""));
    log_hold();
    for (size_t i = 0; i < n; i++) {
        log_request(w, &set, i);
        const struct route *route = requests[i]->route;
        size_t row = route != NULL ? (size_t)(route - route_table.rows) + 1 : 0;
        count_request(&w->job->page->counts, row, responses[i].status, w->answered_us[i] - requests[i]->arrived_us);
        page_count_request(w->job->counts, responses[i].status, w->answered_us[i] - requests[i]->arrived_us);
    }
    log_release();
    page_count_set(w->job->counts, n, set.n_items);
    metrics_tell(w->service);
    transport_done(w->transport);
    note_held(w);
    arena_reset(w->arena);
    programs_trim(w->service);
    w->idle_us = clock_monotonic_us();
    return true;
}

/* ---- the worker's life ---- */

/* Once: as soon as the database is there, whether its tables fit this program. */
static void verify_schema(struct worker *w) {
    bool fits;
    if (w->schema_known) return;
    w->schema_known = service_verify_schema(w->service, w->arena, &fits);
    arena_reset(w->arena);
}

/* For whoever reads the page: whether the servers are there. */
static void tell_page(struct worker *w, bool database) {
    if (page_probe_due(w->job->page, PROBE_EVERY_US, clock_monotonic_us())) service_tell_page(w->service, w->job->page, database);
}

static void look_after_connection(struct worker *w) {
    int64_t now_us = clock_monotonic_us();
    if (now_us - w->idle_us < (int64_t)IDLE_MS * 1000) return;
    w->idle_us = now_us;
    malloc_trim(0); /* what a large array took; while arrays come it is kept, for getting it anew is dear (docs/PERFORMANCE.md) */
    bool there = service_idle(w->service, clock_now_ms());
    metrics_tell(w->service);
    verify_schema(w);
    tell_page(w, there);
}

static void share_rates(struct worker *w, bool busy) {
    if (hosts_round(w->service, w->arena, busy)) arena_reset(w->arena);
}

static int idle_ms(const struct worker *w) {
    if (service_breaker_is_open(w->service)) return BREAKER_MS;
    return hosts_are_shared(w->service) ? SHARING_MS : IDLE_MS;
}

static void note_signals(struct worker *w) {
    if (w->ending_us == 0 && (told_to_drain || told_to_leave || w->job->draining || getppid() != w->job->master)) {
        w->ending_us = clock_monotonic_us();
    }
    if (told_to_drain || w->job->draining) w->drains = true;
    if (w->ending_us != 0 && !w->drains) transport_accept_no_more(w->transport); /* the others take what waits */
}

/* What was accepted is answered, whatever told the worker to end; a drain empties the backlog too, unless that takes too long. */
static bool has_ended(struct worker *w, bool something_waits) {
    if (w->ending_us == 0) return false;
    if (clock_monotonic_us() - w->ending_us > w->job->settings->drain_ms * 1000) transport_accept_no_more(w->transport);
    return !something_waits && transport_is_empty(w->transport);
}

static void work(struct worker *w, const sigset_t *while_waiting) {
    for (;;) {
        page_beat(w->job->slot, false, clock_monotonic_us());
        note_signals(w);
        bool ending = w->ending_us != 0;
        service_breaker_look(w->service);
        int wait_ms = !ending ? idle_ms(w) : transport_is_empty(w->transport) ? 0 : LAST_WAIT_MS;
        bool something_waits = transport_wait(w->transport, wait_ms, while_waiting);
        if (ending && has_ended(w, something_waits)) return;
        bool served = something_waits && serve_what_waits(w);
        if (!served && !ending) look_after_connection(w);
        if (!ending) share_rates(w, something_waits);
    }
}

int worker_run(const struct worker_job *job) {
    struct worker w = {.job = job, .arena = arena_new()};
    struct str error;
    sigset_t while_waiting;
    int status = 1;
    take_signals(&while_waiting);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != job->master) goto out;
    w.service = service_open(job->settings, false, w.arena, &error);
    if (w.service == NULL) {
        log_line(LOG_ERROR, "worker", "pool=%s what=\"cannot start\" why=%s", job->pool, log_quote(w.arena, error));
        goto out;
    }
    service_join(w.service, job->page, job->slot);
    w.transport = transport_open(job->listener, job->requests_max);
    verify_schema(&w);
    tell_page(&w, w.schema_known);
    page_beat(job->slot, false, clock_monotonic_us());
    atomic_store(&job->slot->ready, true);
    w.idle_us = clock_monotonic_us();
    work(&w, &while_waiting);
    status = 0;
    transport_close(&w.transport);
    service_close(&w.service);
out:
    arena_free(&w.arena);
    return status;
}
