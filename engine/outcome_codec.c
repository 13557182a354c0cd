/* The clear part of an outcome, format 1. All integers big-endian and fixed-width, signed ones in two's complement, times in
 * milliseconds; nothing here comes from a client's free text. An event that pays one grant, counts two metrics in all their
 * periods and is denied by two rules takes at most 264 bytes. Bytes, from the first:
 *
 *   header, 72 bytes
 *     u8   format, 1                        u8   kind of change (CHANGE_…)
 *     u64  configuration version            i64  event time
 *     i64  settle time                      u16  event type's number, 0: none
 *     u32  day, u16 lane, u64 n, u16 i      the position
 *     u16  of (rows of this n)              u64  member version
 *     u16  zone's number                    i64  start of the event's day in it
 *     u16  grants, u16 denials, u16 counters, u16 level changes: how many of each follow, in this order
 *
 *   grant, 68 bytes, 76 of a ladder, 24 more where capped
 *     u8   cause (CAUSE_…)                  u16  number of the rule or ladder, 0 of an adjustment
 *     i64  level                            only of a ladder
 *     u8   which grant of the definition    u16  currency
 *     u8   kind (KIND_…)                    u8   contra account (ACCOUNT_…)
 *     u8   part (PART_…)                    u64  seq
 *     i64  digits, u8 places                the base: digits / 10^places
 *     i64  uncapped                         i64  amount
 *     i64  balance after                    u8   factors that applied, bit i: factor i
 *     u8   capped, 0 or 1                   i64  cap's amount, i64 used, i64 resets at: only where capped
 *     16   transfer id
 *
 *   denial, 6 bytes and what follows
 *     u16  rule, 0: none in particular      u8   reason (REASON_…)
 *     u16  currency, 0: the whole rule      u8   1: has next_at, 2: has a place
 *     i64  next_at                          only with bit 1
 *     u8   in, u8 index, u8 factor, u16 node  the place of the failing part, only with bit 2
 *     i64  cap's amount, i64 used, i64 resets at: only where the reason is `capped`
 *
 *   counter, 19 bytes and 8 for each period but `ever`
 *     u16  metric                           i64  by, i64 value: thousandths
 *     u8   periods, bit 1 << PERIOD_…       i64  start of each but `ever`, in the order of the bits
 *
 *   level change, 18 bytes
 *     u16  ladder                           i64  from, i64 to
 *
 * A text has one reading and an outcome one text: what is optional is there exactly where it is not 0. */
#include "engine/outcome.h"

#include <string.h>

#include "base/limits.h"

enum { DENIAL_NEXT_AT = 1, DENIAL_PLACE = 2, DENIAL_FLAGS = DENIAL_NEXT_AT | DENIAL_PLACE };
enum { PLACES_MAX = 6, PERIOD_BITS = (1 << PERIOD__MAX) - 1 };
enum { HEADER_BYTES = 72, GRANT_BYTES = 68, DENIAL_BYTES = 6, COUNTER_BYTES = 19, LEVEL_BYTES = 18, CAP_BYTES = 24, PLACE_BYTES = 5 };

size_t outcome_size(const struct outcome *o) {
    size_t n = HEADER_BYTES + o->grants.n * GRANT_BYTES + o->denied.n * DENIAL_BYTES + o->levels.n * LEVEL_BYTES;
    for (size_t i = 0; i < o->grants.n; i++) {
        const struct grant_result *g = &o->grants.items[i];
        n += (g->cause == CAUSE_LADDER ? sizeof g->level : 0) + (g->capped ? CAP_BYTES : 0);
    }
    for (size_t i = 0; i < o->denied.n; i++) {
        const struct denial *d = &o->denied.items[i];
        n += (d->next_at ? sizeof d->next_at : 0) + (d->place.in ? PLACE_BYTES : 0) + (d->reason == REASON_CAPPED ? CAP_BYTES : 0);
    }
    for (size_t i = 0; i < o->counters.n; i++) {
        const struct counted *c = &o->counters.items[i];
        n += COUNTER_BYTES;
        for (size_t k = 0; k < c->n_periods; k++) n += c->periods[k].kind == PERIOD_EVER ? 0 : sizeof c->periods[k].start;
    }
    return n;
}

#define TIME_MS_END INT64_C(253402300800000) /* the year 10000, which RFC 3339 cannot write */

static bool time_fits(int64_t ms) { return ms >= 0 && ms < TIME_MS_END; }

static void cap_encode(struct buf *b, const struct cap_figures *cap) {
    MUST(time_fits(cap->resets_at));
    buf_i64(b, cap->amount);
    buf_i64(b, cap->used);
    buf_i64(b, cap->resets_at);
}

/* What the engine keeps to, and rendering relies on: the balance before, the transaction's id. */
static bool grant_fits(const struct grant_result *g) {
    return g->currency && g->seq && g->uncapped >= -AMOUNT_MAX && g->uncapped <= AMOUNT_MAX && g->amount >= -AMOUNT_MAX &&
           g->amount <= AMOUNT_MAX && g->balance_after >= -BALANCE_MAX && g->balance_after <= BALANCE_MAX;
}

static void grant_encode(struct buf *b, const struct grant_result *g) {
    MUST(grant_fits(g));
    buf_u8(b, (uint8_t)g->cause);
    buf_u16(b, g->cause_no);
    if (g->cause == CAUSE_LADDER) buf_i64(b, g->level);
    buf_u8(b, g->grant);
    buf_u16(b, g->currency);
    buf_u8(b, (uint8_t)g->kind);
    buf_u8(b, (uint8_t)g->contra);
    buf_u8(b, (uint8_t)g->part);
    buf_u64(b, g->seq);
    buf_i64(b, g->base.digits);
    buf_u8(b, g->base.places);
    buf_i64(b, g->uncapped);
    buf_i64(b, g->amount);
    buf_i64(b, g->balance_after);
    buf_u8(b, g->factors);
    buf_u8(b, g->capped);
    if (g->capped) cap_encode(b, &g->cap);
    buf_bytes(b, g->transfer.b, sizeof g->transfer.b);
}

static void denial_encode(struct buf *b, const struct denial *d) {
    MUST(time_fits(d->next_at));
    buf_u16(b, d->rule);
    buf_u8(b, (uint8_t)d->reason);
    buf_u16(b, d->currency);
    buf_u8(b, (uint8_t)((d->next_at ? DENIAL_NEXT_AT : 0) | (d->place.in ? DENIAL_PLACE : 0)));
    if (d->next_at) buf_i64(b, d->next_at);
    if (d->place.in) {
        buf_u8(b, (uint8_t)d->place.in);
        buf_u8(b, d->place.index);
        buf_u8(b, d->place.factor);
        buf_u16(b, d->place.node);
    }
    if (d->reason == REASON_CAPPED) cap_encode(b, &d->cap);
}

static void counter_encode(struct buf *b, const struct counted *c) {
    uint8_t kinds = 0;
    int64_t starts[PERIOD__MAX] = {0};
    MUST(c->n_periods <= PERIOD__MAX);
    for (size_t i = 0; i < c->n_periods; i++) {
        enum period_kind kind = c->periods[i].kind;
        MUST((unsigned)kind < PERIOD__MAX && !(kinds & 1 << kind));
        kinds |= (uint8_t)(1 << kind);
        starts[kind] = c->periods[i].start;
    }
    buf_u16(b, c->metric);
    buf_i64(b, c->by);
    buf_i64(b, c->value);
    buf_u8(b, kinds);
    for (unsigned kind = PERIOD_EVER + 1; kind < PERIOD__MAX; kind++)
        if (kinds & 1 << kind) buf_i64(b, starts[kind]);
}

static void header_encode(struct buf *b, const struct outcome *o) {
    MUST(time_fits(o->event_time) && time_fits(o->settled_at) && time_fits(o->day_start));
    buf_u8(b, o->format);
    buf_u8(b, (uint8_t)o->change);
    buf_u64(b, o->config_version);
    buf_i64(b, o->event_time);
    buf_i64(b, o->settled_at);
    buf_u16(b, o->type_no);
    buf_u32(b, o->at.day);
    buf_u16(b, o->at.lane);
    buf_u64(b, o->at.n);
    buf_u16(b, o->at.i);
    buf_u16(b, o->of);
    buf_u64(b, o->member_version);
    buf_u16(b, o->zone_no);
    buf_i64(b, o->day_start);
    buf_u16(b, (uint16_t)o->grants.n);
    buf_u16(b, (uint16_t)o->denied.n);
    buf_u16(b, (uint16_t)o->counters.n);
    buf_u16(b, (uint16_t)o->levels.n);
}

/* An adjustment is answered by its one transfer: an outcome without it could not be rendered. */
static bool causes_fit(const struct outcome *o) {
    size_t adjustments = 0;
    for (size_t i = 0; i < o->grants.n; i++) adjustments += o->grants.items[i].cause == CAUSE_ADJUSTMENT;
    return adjustments == (o->change == CHANGE_ADJUSTMENT ? 1 : 0);
}

struct str outcome_encode(struct arena *a, const struct outcome *o) {
    MUST(o->format == OUTCOME_FORMAT);
    MUST(causes_fit(o));
    MUST(outcome_size(o) <= OUTCOME_BYTES_MAX); /* which no count of 16 bits outgrows */
    struct buf b = buf_new(a, OUTCOME_BYTES_MAX);
    header_encode(&b, o);
    for (size_t i = 0; i < o->grants.n; i++) grant_encode(&b, &o->grants.items[i]);
    for (size_t i = 0; i < o->denied.n; i++) denial_encode(&b, &o->denied.items[i]);
    for (size_t i = 0; i < o->counters.n; i++) counter_encode(&b, &o->counters.items[i]);
    for (size_t i = 0; i < o->levels.n; i++) {
        buf_u16(&b, o->levels.items[i].ladder);
        buf_i64(&b, o->levels.items[i].from);
        buf_i64(&b, o->levels.items[i].to);
    }
    MUST(buf_ok(&b) && b.n == outcome_size(o));
    return buf_str(&b);
}

/* A number of one of the tables; anything else makes the text bad. */
static uint8_t read_number(struct reader *r, uint8_t lowest, uint8_t highest) {
    uint8_t v = read_u8(r);
    if (v < lowest || v > highest) r->bad = true;
    return v;
}

static int64_t read_time(struct reader *r) {
    int64_t ms = read_i64(r);
    if (!time_fits(ms)) r->bad = true;
    return ms;
}

static void cap_decode(struct reader *r, struct cap_figures *cap) {
    cap->amount = read_i64(r);
    cap->used = read_i64(r);
    cap->resets_at = read_time(r);
}

static void grant_decode(struct reader *r, struct grant_result *g) {
    g->cause = (enum cause)read_number(r, CAUSE_RULE, CAUSE_ADJUSTMENT);
    g->cause_no = read_u16(r);
    if (g->cause == CAUSE_LADDER) g->level = read_i64(r);
    g->grant = read_u8(r);
    g->currency = read_u16(r);
    g->kind = (enum transfer_kind)read_number(r, KIND_EARNED, KIND__MAX - 1);
    g->contra = (enum account)read_number(r, ACCOUNT_ISSUANCE, ACCOUNT__MAX - 1);
    g->part = (enum part)read_number(r, PART_AVAILABLE, PART__MAX - 1);
    g->seq = read_u64(r);
    g->base.digits = read_i64(r);
    g->base.places = read_number(r, 0, PLACES_MAX);
    g->uncapped = read_i64(r);
    g->amount = read_i64(r);
    g->balance_after = read_i64(r);
    g->factors = read_u8(r);
    g->capped = read_number(r, 0, 1);
    if (g->capped) cap_decode(r, &g->cap);
    struct str transfer = read_bytes(r, sizeof g->transfer.b);
    if (!r->bad) memcpy(g->transfer.b, transfer.p, sizeof g->transfer.b);
    if (!grant_fits(g)) r->bad = true;
}

static void denial_decode(struct reader *r, struct denial *d) {
    d->rule = read_u16(r);
    d->reason = (enum reason)read_number(r, REASON_CONDITION, REASON__MAX - 1);
    d->currency = read_u16(r);
    uint8_t flags = read_number(r, 0, DENIAL_FLAGS);
    if (flags & DENIAL_NEXT_AT) {
        d->next_at = read_time(r);
        if (!d->next_at) r->bad = true;
    }
    if (flags & DENIAL_PLACE) {
        d->place.in = (enum place_in)read_number(r, PLACE_WHEN, PLACE_ENABLED);
        d->place.index = read_u8(r);
        d->place.factor = read_u8(r);
        d->place.node = read_u16(r);
    }
    if (d->reason == REASON_CAPPED) cap_decode(r, &d->cap);
}

static void counter_decode(struct reader *r, struct counted *c) {
    c->metric = read_u16(r);
    c->by = read_i64(r);
    c->value = read_i64(r);
    uint8_t kinds = read_number(r, 0, PERIOD_BITS);
    for (unsigned kind = 0; kind < PERIOD__MAX && !r->bad; kind++) {
        if (!(kinds & 1 << kind)) continue;
        c->periods[c->n_periods].kind = (enum period_kind)kind;
        c->periods[c->n_periods++].start = kind == PERIOD_EVER ? 0 : read_i64(r);
    }
}

struct counts {
    uint16_t grants, denied, counters, levels;
};
static struct counts header_decode(struct reader *r, struct outcome *o) {
    struct counts n;
    o->format = read_number(r, OUTCOME_FORMAT, OUTCOME_FORMAT);
    o->change = (enum change_kind)read_number(r, CHANGE_EVENT, CHANGE__MAX - 1);
    o->config_version = read_u64(r);
    o->event_time = read_time(r);
    o->settled_at = read_time(r);
    o->type_no = read_u16(r);
    o->at.day = read_u32(r);
    o->at.lane = read_u16(r);
    o->at.n = read_u64(r);
    o->at.i = read_u16(r);
    o->of = read_u16(r);
    o->member_version = read_u64(r);
    o->zone_no = read_u16(r);
    o->day_start = read_time(r);
    n.grants = read_u16(r);
    n.denied = read_u16(r);
    n.counters = read_u16(r);
    n.levels = read_u16(r);
    return n;
}

bool outcome_decode(struct arena *a, struct str text, struct outcome *o) {
    *o = (struct outcome){0};
    struct reader r = reader_of(text);
    if (text.n > OUTCOME_BYTES_MAX) return false;
    struct counts n = header_decode(&r, o);
    for (size_t i = 0; i < n.grants && !r.bad; i++) grant_decode(&r, LIST_PUSH(a, &o->grants));
    for (size_t i = 0; i < n.denied && !r.bad; i++) denial_decode(&r, LIST_PUSH(a, &o->denied));
    for (size_t i = 0; i < n.counters && !r.bad; i++) counter_decode(&r, LIST_PUSH(a, &o->counters));
    for (size_t i = 0; i < n.levels && !r.bad; i++) {
        struct level_change *l = LIST_PUSH(a, &o->levels);
        l->ladder = read_u16(&r);
        l->from = read_i64(&r);
        l->to = read_i64(&r);
    }
    return reader_done(&r) && causes_fit(o);
}
