/* The encodings of a member's state (ENCODINGS "State row"), all integers big-endian:
 *
 * hot       u8 format (1)
 *           u8 count, per wallet, by (currency, part):
 *               u16 currency, u8 part, i64 balance, u64 seq, 16 bytes hash, i64 last created_at
 *           u8 count, per currency with a lifetime, by currency:
 *               u16 currency, i64 earned, i64 spent
 *           counters
 * counters  u16 count of groups, per group, by (what, no):
 *               u8 what, u16 no, u8 kinds (bit 1 << enum period_kind; at least one), then per kind, ascending:
 *               u32 start in seconds (absent for EVER, which starts at 0), i64 value
 * cold      u8 format (1), u8 status, u8 length and bytes of the member's type,
 *           u16 zone, u16 next zone, i64 from when, u8 has leftovers (0 or 1)
 *           u16 count, per ladder, by ladder: u16 ladder, i64 paid up to
 * closed    u8 format (1), counters; in a closed period all of its kind and start
 *
 * One state has one encoding, and every number has a bound: whatever else is read was not written by us. */
#include "engine/state.h"

#include <string.h>

enum { CLOSED_BYTES_MAX = 1024 * 1024 }; /* far beyond 500 definitions */

static bool is_sane(int64_t v) { return v >= -BALANCE_MAX && v <= BALANCE_MAX; }

static void write_counters(struct buf *b, const struct counter *c, size_t n) {
    uint16_t groups = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || c[i].what != c[i - 1].what || c[i].no != c[i - 1].no) groups++;
    buf_u16(b, groups);
    for (size_t i = 0; i < n;) {
        size_t end = i;
        uint8_t kinds = 0;
        for (; end < n && c[end].what == c[i].what && c[end].no == c[i].no; end++) kinds |= (uint8_t)(1u << c[end].kind);
        buf_u8(b, (uint8_t)c[i].what);
        buf_u16(b, c[i].no);
        buf_u8(b, kinds);
        for (; i < end; i++) {
            if (c[i].kind != PERIOD_EVER) buf_u32(b, (uint32_t)(c[i].start / MS_SECOND));
            buf_i64(b, c[i].value);
        }
    }
}

struct str state_encode_hot(struct arena *a, const struct member_state *s) {
    struct buf b = buf_new(a, HOT_BYTES_MAX);
    buf_u8(&b, STATE_FORMAT);
    buf_u8(&b, (uint8_t)s->wallets.n);
    for (size_t i = 0; i < s->wallets.n; i++) {
        const struct wallet *w = &s->wallets.items[i];
        buf_u16(&b, w->currency);
        buf_u8(&b, (uint8_t)w->part);
        buf_i64(&b, w->balance);
        buf_u64(&b, w->seq);
        buf_bytes(&b, w->hash.b, sizeof w->hash.b);
        buf_i64(&b, w->last_created_at);
    }
    buf_u8(&b, (uint8_t)s->lifetimes.n);
    for (size_t i = 0; i < s->lifetimes.n; i++) {
        const struct lifetime *l = &s->lifetimes.items[i];
        buf_u16(&b, l->currency);
        buf_i64(&b, l->earned);
        buf_i64(&b, l->spent);
    }
    write_counters(&b, s->counters.items, s->counters.n);
    MUST(buf_ok(&b)); /* settle_event refuses what would be larger */
    return buf_str(&b);
}

struct str state_encode_cold(struct arena *a, const struct member_state *s) {
    MUST(s->type.n <= CODE_BYTES_MAX);
    struct buf b = buf_new(a, COLD_BYTES_MAX);
    buf_u8(&b, STATE_FORMAT);
    buf_u8(&b, (uint8_t)s->status);
    buf_u8(&b, (uint8_t)s->type.n);
    buf_add(&b, s->type);
    buf_u16(&b, s->zone_no);
    buf_u16(&b, s->next_zone_no);
    buf_i64(&b, s->zone_from_ms);
    buf_u8(&b, s->has_leftovers);
    buf_u16(&b, (uint16_t)s->ladders.n);
    for (size_t i = 0; i < s->ladders.n; i++) {
        buf_u16(&b, s->ladders.items[i].ladder);
        buf_i64(&b, s->ladders.items[i].level);
    }
    MUST(buf_ok(&b));
    return buf_str(&b);
}

struct str closed_encode(struct arena *a, const struct closed_period *c) {
    struct buf b = buf_new(a, CLOSED_BYTES_MAX);
    buf_u8(&b, STATE_FORMAT);
    write_counters(&b, c->counters.items, c->counters.n);
    MUST(buf_ok(&b));
    return buf_str(&b);
}

/* The next counter of a group; false: not as we write it. */
static bool read_counter(struct reader *r, struct counter *c) {
    c->start = c->kind == PERIOD_EVER ? 0 : (int64_t)read_u32(r) * MS_SECOND;
    c->value = read_i64(r);
    return !r->bad && is_sane(c->value);
}

/* Reads counters into a list of the state or of a closed period; `push` makes the next one. */
#define READ_COUNTERS(a, r, list) read_counters((a), (r), &(list)->items, &(list)->n, &(list)->cap)
static bool read_counters(struct arena *a, struct reader *r, struct counter **items, size_t *n, size_t *cap) {
    LIST(struct counter) list = {0};
    struct counter last = {0};
    for (uint16_t groups = read_u16(r); groups > 0; groups--) {
        struct counter c = {.what = read_u8(r)};
        c.no = read_u16(r);
        uint8_t kinds = read_u8(r);
        if (r->bad || c.what < COUNTER_METRIC || c.what >= COUNTER__MAX || !c.no || !kinds || kinds >> PERIOD__MAX) return false;
        if (c.what < last.what || (c.what == last.what && c.no <= last.no)) return false;
        last = c;
        for (uint8_t kind = 0; kind < PERIOD__MAX; kind++) {
            if (!(kinds & 1u << kind)) continue;
            c.kind = kind;
            if (!read_counter(r, &c)) return false;
            *LIST_PUSH(a, &list) = c;
        }
    }
    *items = list.items;
    *n = list.n;
    *cap = list.cap;
    return !r->bad;
}

static bool read_wallets(struct arena *a, struct reader *r, struct member_state *s) {
    for (uint8_t n = read_u8(r); n > 0; n--) {
        struct wallet w = {.currency = read_u16(r)};
        w.part = read_u8(r);
        w.balance = read_i64(r);
        w.seq = read_u64(r);
        struct str hash = read_bytes(r, sizeof w.hash.b);
        w.last_created_at = read_i64(r);
        if (r->bad || !w.currency || w.part < PART_AVAILABLE || w.part >= PART__MAX) return false;
        if (!is_sane(w.balance) || !is_sane(w.last_created_at) || w.seq > INT64_MAX / 2) return false;
        memcpy(w.hash.b, hash.p, sizeof w.hash.b);
        const struct wallet *last = s->wallets.n ? &s->wallets.items[s->wallets.n - 1] : NULL;
        if (last && (w.currency < last->currency || (w.currency == last->currency && w.part <= last->part))) return false;
        *LIST_PUSH(a, &s->wallets) = w;
    }
    for (uint8_t n = read_u8(r); n > 0; n--) {
        struct lifetime l = {.currency = read_u16(r)};
        l.earned = read_i64(r);
        l.spent = read_i64(r);
        if (r->bad || !l.currency || !is_sane(l.earned) || !is_sane(l.spent)) return false;
        if (s->lifetimes.n && l.currency <= s->lifetimes.items[s->lifetimes.n - 1].currency) return false;
        *LIST_PUSH(a, &s->lifetimes) = l;
    }
    return true;
}

static bool read_hot(struct arena *a, struct str text, struct member_state *s) {
    struct reader r = reader_of(text);
    if (read_u8(&r) != STATE_FORMAT) return false;
    return read_wallets(a, &r, s) && READ_COUNTERS(a, &r, &s->counters) && reader_done(&r);
}

static bool read_cold(struct arena *a, struct str text, struct member_state *s) {
    struct reader r = reader_of(text);
    if (read_u8(&r) != STATE_FORMAT) return false;
    uint8_t status = read_u8(&r), type_bytes = read_u8(&r);
    if (status > MEMBER_MERGED || type_bytes > CODE_BYTES_MAX) return false;
    s->status = status;
    s->type = str_copy(a, read_bytes(&r, type_bytes));
    s->zone_no = read_u16(&r);
    s->next_zone_no = read_u16(&r);
    s->zone_from_ms = read_i64(&r);
    uint8_t leftovers = read_u8(&r);
    if (leftovers > 1 || !is_sane(s->zone_from_ms)) return false;
    s->has_leftovers = leftovers;
    for (uint16_t n = read_u16(&r); n > 0; n--) {
        struct ladder_paid l = {.ladder = read_u16(&r)};
        l.level = read_i64(&r);
        if (r.bad || !l.ladder || !is_sane(l.level)) return false;
        if (s->ladders.n && l.ladder <= s->ladders.items[s->ladders.n - 1].ladder) return false;
        *LIST_PUSH(a, &s->ladders) = l;
    }
    return reader_done(&r);
}

bool state_decode(struct arena *a, struct str hot, struct str cold, struct member_state *s) {
    s->wallets.n = s->lifetimes.n = s->counters.n = s->ladders.n = 0;
    s->status = MEMBER_ACTIVE;
    s->type = STR("");
    s->zone_no = s->next_zone_no = 0;
    s->zone_from_ms = 0;
    s->has_leftovers = s->hot_dirty = s->cold_dirty = false;
    if (hot.n > HOT_BYTES_MAX || cold.n > COLD_BYTES_MAX) return false;
    return (!hot.n || read_hot(a, hot, s)) && (!cold.n || read_cold(a, cold, s));
}

bool closed_decode(struct arena *a, struct str text, struct closed_period *c) {
    struct reader r = reader_of(text);
    c->dirty = false;
    c->counters.n = 0;
    if (text.n > CLOSED_BYTES_MAX) return false;
    if (read_u8(&r) != STATE_FORMAT || !READ_COUNTERS(a, &r, &c->counters) || !reader_done(&r)) return false;
    if (c->kind == PERIOD_EVER) return true; /* what definitions left: of any period */
    for (size_t i = 0; i < c->counters.n; i++)
        if (c->counters.items[i].kind != c->kind || c->counters.items[i].start != c->start) return false;
    return true;
}
