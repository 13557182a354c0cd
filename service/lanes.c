/* service/lanes.c: the lane of this connection: claiming, numbering, losing (MECHANICS 3). */
#include "base/clock.h"
#include "base/log.h"
#include "service/inside.h"

static uint32_t day_of(int64_t ms) { return (uint32_t)(ms / MS_DAY); }

/* Tries the lanes whose lease has run out, lowest first, then the next number. DB_NOT_FOUND: others were quicker each time. */
static enum db_result claim_once(struct service *s, struct arena *a, int64_t now_ms) {
    struct lane_row *lanes;
    size_t n;
    enum db_result r = lanes_read(s->db, a, &lanes, &n);
    if (r != DB_OK) return r;
    struct uuid owner = uuid_new(now_ms);
    int64_t lease = now_ms + LANE_LEASE_MS;
    uint16_t highest = 0;
    for (size_t i = 0; i < n; i++) {
        if (lanes[i].lane > highest) highest = lanes[i].lane;
        if (lanes[i].lease_until >= now_ms || lanes[i].lane == s->lane.lane) continue;
        r = lane_take(s->db, a, &lanes[i], owner, lease);
        if (r == DB_OK) {
            s->lane = lanes[i];
            s->lane.owner = owner;
            s->lane.lease_until = lease;
            return DB_OK;
        }
        if (r != DB_NOT_FOUND && r != DB_BUSY && r != DB_RETRY) return r; /* a locked lane has an owner with work in hand */
    }
    if (highest >= LANES_MAX) {
        log_line(LOG_ERROR, "lanes_exhausted", "lanes=%u", highest);
        return DB_GONE; /* a shortage, not a fault: 503 until one is free */
    }
    r = lane_create(s->db, a, (uint16_t)(highest + 1), owner, lease, day_of(now_ms));
    if (r == DB_OK)
        s->lane = (struct lane_row){.lane = (uint16_t)(highest + 1), .owner = owner, .lease_until = lease, .day = day_of(now_ms)};
    return r == DB_CONFLICT ? DB_NOT_FOUND : r;
}

enum db_result lane_claim(struct service *s, int64_t now_ms) {
    if (s->lane_owned) return DB_OK;
    struct arena *a = arena_new();
    enum db_result r = DB_NOT_FOUND;
    for (int tries = 0; tries < 50 && r == DB_NOT_FOUND; tries++) r = claim_once(s, a, now_ms);
    arena_free(&a);
    if (r == DB_OK) {
        s->lane_owned = true;
        log_line(LOG_INFO, "lane_claimed", "lane=%u n=%llu", s->lane.lane, (unsigned long long)s->lane.n);
    }
    return r == DB_NOT_FOUND || r == DB_CONFLICT || r == DB_BUSY ? DB_RETRY : r;
}

struct position lane_next(const struct service *s, int64_t now_ms) {
    MUST(s->lane_owned);
    uint32_t today = day_of(now_ms);
    return (struct position){.day = today > s->lane.day ? today : s->lane.day, .lane = s->lane.lane, .n = s->lane.n + 1, .i = 0};
}

/* The new owner has committed the position, or has it in a transaction that is still open. */
enum db_result lane_outcomes(struct service *s, struct arena *a, const struct outcome_row *rows, size_t n) {
    enum db_result r = outcomes_insert(s->db, a, rows, n);
    if (r != DB_CONFLICT && r != DB_BUSY) return r;
    log_line(LOG_WARN, "lane_lost", "lane=%u result=%s", s->lane.lane, db_result_name(r));
    lane_forget(s);
    return DB_NOT_FOUND;
}

enum db_result lane_advance(struct service *s, struct arena *a, struct position at, int64_t now_ms) {
    struct lane_row l = s->lane;
    l.day = at.day;
    l.n = at.n;
    l.lease_until = now_ms + LANE_LEASE_MS;
    return lane_write(s->db, a, &l);
}

void lane_committed(struct service *s, struct position at) {
    s->lane.day = at.day;
    s->lane.n = at.n;
}

/* The number stays in s->lane.lane, so that the next claim takes another lane than this one. */
void lane_forget(struct service *s) { s->lane_owned = false; }

bool service_idle(struct service *s, int64_t now_ms) {
    if (db_ping(s->db) != DB_OK) return false;
    if (!s->lane_owned) return true;
    struct arena *a = arena_new();
    struct lane_row l = s->lane;
    l.lease_until = now_ms + LANE_LEASE_MS;
    enum db_result r = lane_renew(s->db, a, &l);
    if (r == DB_NOT_FOUND) lane_forget(s);
    if (r == DB_OK) s->lane.lease_until = l.lease_until;
    arena_free(&a);
    return r != DB_GONE;
}
