#include "service/shared.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/inside.h"

#define BREAKER_LOOK_US INT64_C(500000)

/* ---- the breaker ---- */

static bool is_shut(void *ctx) {
    const struct service *s = ctx;
    return page_breaker_is_open(s->page);
}

/* A late answer alone says little: whoever holds some locks one after the other makes others wait for as long as he likes. A server that
 * hangs does not greet either. */
static int64_t late(void *ctx) {
    struct service *s = ctx;
    if (page_breaker_is_open(s->page)) return 0;
    db_look_anew(s->db);
    if (db_greets(s->db)) return s->deadline_us != 0 ? s->deadline_us : INT64_MAX;
    if (page_breaker_open(s->page, clock_monotonic_us()))
        log_line(LOG_ERROR, "breaker", "what=opened why=\"the database does not answer\"");
    s->looked_trips = atomic_load(&s->page->breaker.trips);
    return 0;
}

void service_join(struct service *s, struct page *page, struct worker_slot *slot) {
    s->page = page;
    s->slot = slot;
    db_set_gate(s->db, (struct db_gate){.shut = is_shut, .late = late, .ctx = s});
}

bool service_breaker_is_open(const struct service *s) { return s->page != NULL && page_breaker_is_open(s->page); }

/* What the server said to a look that another worker's answer has overtaken is no sign of life the next time. */
static void end_old_look(struct service *s) {
    uint64_t trips = atomic_load(&s->page->breaker.trips);
    if (page_breaker_is_open(s->page) && trips == s->looked_trips) return;
    db_look_anew(s->db);
    s->looked_trips = trips;
}

void service_breaker_look(struct service *s) {
    int64_t now_us = clock_monotonic_us();
    if (s->page == NULL) return;
    end_old_look(s);
    if (!page_breaker_due(s->page, BREAKER_LOOK_US, now_us) || !db_greets(s->db)) return;
    int64_t open_us = now_us - atomic_load(&s->page->breaker.opened_us);
    if (page_breaker_close(s->page)) log_line(LOG_WARN, "breaker", "what=closed open_ms=%lld", (long long)(open_us / 1000));
}

/* ---- suspects ---- */

static uint64_t mixed(uint64_t h, uint64_t word) {
    unsigned __int128 product = (unsigned __int128)(h ^ word) * 0x9e3779b97f4a7c15u;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Quick, for every request pays for it; begun with something that no client knows. */
uint64_t suspect_hash(const struct service *s, const struct str *parts, size_t n) {
    uint64_t h = s->page != NULL ? s->page->salt : 0, word = 0;
    for (size_t i = 0; i < n; i++) {
        struct str p = parts[i];
        h = mixed(h, p.n + 1);
        for (; p.n >= sizeof word; p.p += sizeof word, p.n -= sizeof word) {
            memcpy(&word, p.p, sizeof word);
            h = mixed(h, word);
        }
        word = 0;
        if (p.n > 0) memcpy(&word, p.p, p.n);
        h = mixed(h, word);
    }
    return h == 0 ? 1 : h;
}

void service_hold(struct service *s, const uint64_t *hashes, size_t n) {
    int64_t left_us;
    if (s->slot == NULL) return;
    bool on_trial = n == 1 && page_strikes(s->page, hashes[0], clock_monotonic_us(), &left_us) > 0;
    page_hold(s->slot, hashes, n, on_trial);
}

enum suspicion suspect_look(struct service *s, uint64_t hash, struct faults *f) {
    int64_t left_us = 0;
    unsigned strikes = s->page != NULL ? page_strikes(s->page, hash, clock_monotonic_us(), &left_us) : 0;
    if (strikes == 0) return SUSPECT_NOT;
    if (strikes < STRIKES_MAX) return SUSPECT_ALONE;
    f->retry_after = left_us / 1000000 + 1;
    fault_say(f, P_QUARANTINED, "workers have died each time that they had this in hand; it is tried again in %lld s",
              (long long)f->retry_after);
    log_line(LOG_ERROR, "quarantined", "suspect=%016llx left_s=%lld", (unsigned long long)hash, (long long)f->retry_after);
    return SUSPECT_REFUSED;
}

void suspect_forgive(struct service *s, uint64_t hash, enum problem end) {
    bool untried = end == P_UNAVAILABLE || end == P_IN_PROGRESS || end == P_RATE || end == P_CONFIG_UNUSABLE || end == P_QUARANTINED;
    if (s->page != NULL && !untried) page_forgive(s->page, hash);
}
