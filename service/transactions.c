/* service/transactions.c: a member's history, newest first (B5, SEMANTICS 21).
 *
 * Wallets are read each in its own order and merged by time. The cursor holds, per currency, the sequence number before which the
 * next page begins, so that what is earned meanwhile moves nothing, and what it is a cursor of: this member and this filter. It carries
 * the sums of the whole filter too, as they were for its first page: all pages agree, and none but the first has to add up. */
#include <string.h>

#include "base/cursor.h"
#include "engine/outcome.h"
#include "service/inside.h"
#include "service/members.h"
#include "service/set.h"
#include "sql/ledger.h"

enum { CURSOR_FORMAT = 3, OF_BYTES = 8 };

struct stream { /* one wallet's page */
    uint16_t currency;
    uint64_t before; /* entries with a lower seq are still to be shown */
    struct entry_row *rows;
    size_t n, at;
};
struct page {
    struct stream *streams;
    size_t n_streams;
    bool summed; /* there is one currency that can be summed up */
    struct entry_sums sums;
    struct entry_row *rows; /* merged */
    size_t n;
    bool more;
};

/* Of whom and of what a page is. */
static struct str of_what(struct arena *a, const struct member_found *m, const struct transactions_query *q) {
    struct buf b = buf_new(a, SIZE_MAX);
    buf_u32(&b, m->state->tenant.v);
    buf_u64(&b, m->no.v);
    buf_i64(&b, q->from_ms);
    buf_i64(&b, q->to_ms);
    buf_u64(&b, q->kinds);
    buf_add(&b, q->currency);
    uint8_t hash[32];
    crypto_sha256(buf_str(&b), hash);
    return (struct str){arena_copy(a, hash, OF_BYTES), OF_BYTES};
}

static struct stream *stream_of(const struct page *page, uint16_t currency) {
    for (size_t i = 0; i < page->n_streams; i++) {
        if (page->streams[i].currency == currency) return &page->streams[i];
    }
    return NULL;
}

/* false: sums that no history has. Whatever else a cursor's maker puts here is shown back to that same maker. */
static bool read_sums(struct reader *r, struct entry_sums *out) {
    out->earned = read_i64(r);
    out->spent = read_i64(r);
    out->count = read_u64(r);
    if (out->earned < 0 || out->spent < 0 || out->count > INT64_MAX) return false;
    out->net = out->earned - out->spent; /* of two that are not negative: it never overflows */
    return true;
}

/* page: the first one, as streams_of gives it; false: a cursor that is not of these streams, each once. What came since has none. */
static bool cursor_read(struct arena *a, struct str text, struct str of, struct page *page) {
    struct str payload;
    if (!cursor_parse(a, text, &payload)) return false;
    struct reader r = reader_of(payload);
    if (read_u8(&r) != CURSOR_FORMAT || !str_eq(read_bytes(&r, OF_BYTES), of)) return false;
    struct page begun = {.streams = NEW_ARRAY(a, struct stream, page->n_streams), .summed = page->summed};
    if (begun.summed && !read_sums(&r, &begun.sums)) return false;
    for (size_t n = read_u16(&r); n > 0; n--) {
        struct stream one = {.currency = read_u16(&r)};
        one.before = read_u64(&r);
        if (stream_of(page, one.currency) == NULL || stream_of(&begun, one.currency) != NULL) return false;
        begun.streams[begun.n_streams++] = one;
    }
    *page = begun;
    return reader_done(&r);
}

static struct str cursor_write(struct arena *a, struct str of, const struct page *page) {
    struct buf b = buf_new(a, SIZE_MAX);
    buf_u8(&b, CURSOR_FORMAT);
    buf_add(&b, of);
    if (page->summed) {
        buf_i64(&b, page->sums.earned);
        buf_i64(&b, page->sums.spent);
        buf_u64(&b, page->sums.count);
    }
    buf_u16(&b, (uint16_t)page->n_streams);
    for (size_t i = 0; i < page->n_streams; i++) {
        buf_u16(&b, page->streams[i].currency);
        buf_u64(&b, page->streams[i].before);
    }
    return cursor_text(a, buf_str(&b));
}

/* The first page: every wallet that the filter lets through, from its newest entry. */
static void streams_of(struct arena *a, const struct member_found *m, uint16_t currency, struct page *page) {
    page->streams = NEW_ARRAY(a, struct stream, m->state->wallets.n);
    for (size_t i = 0; i < m->state->wallets.n; i++) {
        const struct wallet *w = &m->state->wallets.items[i];
        if (w->part != PART_AVAILABLE || (currency != 0 && w->currency != currency)) continue;
        page->streams[page->n_streams++] = (struct stream){.currency = w->currency, .before = w->seq + 1};
    }
}

static struct stream *newest(struct page *page) {
    struct stream *best = NULL;
    for (size_t i = 0; i < page->n_streams; i++) {
        struct stream *s = &page->streams[i];
        if (s->at == s->n) continue;
        if (best == NULL || s->rows[s->at].e.created_at > best->rows[best->at].e.created_at) best = s;
    }
    return best;
}

static enum db_result read_page(struct service *s, struct arena *a, const struct member_found *m, const struct transactions_query *q,
                                struct page *page) {
    struct member_ref ref = {m->state->tenant, m->no};
    for (size_t i = 0; i < page->n_streams; i++) {
        struct stream *stream = &page->streams[i];
        struct entry_filter filter = {stream->currency, PART_AVAILABLE, stream->before, q->from_ms, q->to_ms, q->kinds};
        if (stream->before <= 1) continue; /* 0 would mean: from the newest */
        enum db_result r = entries_page(s->db, a, ref, &filter, q->limit + 1, &stream->rows, &stream->n);
        if (r != DB_OK) return r;
    }
    page->rows = NEW_ARRAY(a, struct entry_row, q->limit);
    for (struct stream *stream; page->n < q->limit && (stream = newest(page)) != NULL; stream->at++) {
        page->rows[page->n++] = stream->rows[stream->at];
        stream->before = stream->rows[stream->at].e.seq;
    }
    page->more = newest(page) != NULL;
    return DB_OK;
}

/* ---- one line ---- */

struct origin { /* what an entry came from, decoded; NULL outcome: no longer kept */
    struct position at;
    struct outcome *outcome;
    struct sealed sealed;
};

static enum problem read_origins(struct service *s, struct arena *a, const struct member_found *m, const struct page *page,
                                 struct origin *out, struct faults *f) {
    tenant_id t = m->state->tenant;
    struct outcome_ref *refs = NEW_ARRAY(a, struct outcome_ref, page->n);
    for (size_t i = 0; i < page->n; i++) refs[i] = (struct outcome_ref){t, page->rows[i].e.cause};
    struct outcome_row *rows;
    size_t n;
    enum db_result r = page->n > 0 ? outcomes_find(s->db, a, refs, page->n, &rows, &n) : DB_OK;
    if (r != DB_OK) return service_problem(r, f);
    for (size_t i = 0; i < page->n; i++) {
        for (size_t j = 0; j < n; j++) {
            struct str clear;
            if (!position_eq(rows[j].at, page->rows[i].e.cause)) continue;
            out[i].outcome = NEW(a, struct outcome);
            bool ok = outcome_decode(a, rows[j].clear, out[i].outcome) &&
                      crypto_open(a, m->sealing_key, seal_associated(a, t, m->no), rows[j].sealed, &clear) &&
                      sealed_decode(a, clear, &out[i].sealed);
            if (!ok) return P_INTERNAL;
            break;
        }
    }
    return P_OK;
}

static const struct grant_result *grant_of(const struct outcome *o, const struct entry *e) {
    for (size_t i = 0; i < o->grants.n; i++) {
        const struct grant_result *g = &o->grants.items[i];
        if (g->currency == e->currency && g->part == e->part && g->seq == e->seq) return g;
    }
    return NULL;
}

static enum problem put_origin(struct service *s, struct arena *a, struct json_writer *w, const struct member_found *m,
                               const struct origin *from, const struct entry *e, struct faults *f) {
    const struct grant_result *g = from->outcome != NULL ? grant_of(from->outcome, e) : NULL;
    const struct program *p = m->program;
    if (g != NULL) {
        enum problem problem = program_get(s, m->state->tenant, from->outcome->config_version, &p, f);
        if (problem != P_OK) return problem;
    }
    json_key(w, "source");
    if (g != NULL) {
        transaction_source_render(w, a, g, from->outcome, &from->sealed, p);
    } else {
        json_put_null(w);
    }
    json_key(w, "description");
    if (g != NULL) {
        json_put_str(w, transaction_description(a, g, from->outcome, &from->sealed, p));
    } else {
        json_put_null(w);
    }
    json_key(w, "context");
    if (from->sealed.context != NULL) {
        json_put_value(w, from->sealed.context);
    } else {
        json_put_null(w);
    }
    return P_OK;
}

static enum problem put_line(struct service *s, struct arena *a, struct json_writer *w, const struct member_found *m,
                             const struct origin *from, const struct entry *e, struct faults *f) {
    json_open_object(w);
    json_key(w, "id");
    json_put_str(w, transaction_id_text(a, e->currency, e->part, e->seq));
    json_key(w, "transfer");
    json_put_str(w, uuid_text(a, e->transfer));
    json_key(w, "seq");
    json_put_i64(w, (int64_t)e->seq);
    json_key(w, "currency");
    json_put_str(w, program_code(m->program, CODE_CURRENCY, e->currency));
    json_key(w, "amount");
    json_put_i64(w, e->amount);
    json_key(w, "balance_before");
    json_put_i64(w, e->balance_after - e->amount);
    json_key(w, "balance_after");
    json_put_i64(w, e->balance_after);
    json_key(w, "held_after");
    json_put_i64(w, state_wallet(a, m->state, e->currency, PART_HELD)->balance);
    json_key(w, "kind");
    json_put_z(w, transfer_kind_name(e->kind));
    enum problem p = put_origin(s, a, w, m, from, e, f);
    json_key(w, "created_at");
    json_put_time(w, e->created_at);
    json_close_object(w);
    return p;
}

/* ---- the answer ---- */

/* Of the whole filter up to what its first page begins with. */
static enum db_result read_summary(struct service *s, struct arena *a, const struct member_found *m, const struct transactions_query *q,
                                   uint16_t currency, struct page *page) {
    if (page->n_streams == 0) return DB_OK; /* there is no wallet yet */
    struct entry_filter filter = {currency, PART_AVAILABLE, page->streams[0].before, q->from_ms, q->to_ms, q->kinds};
    return entries_sum(s->db, a, (struct member_ref){m->state->tenant, m->no}, &filter, &page->sums);
}

static void put_summary(struct json_writer *w, struct str currency, const struct page *page) {
    const struct {
        const char *name;
        int64_t value;
    } sums[] = {{"earned", page->sums.earned}, {"spent", page->sums.spent}, {"net", page->sums.net}, {"count", (int64_t)page->sums.count}};
    json_key(w, "summary");
    if (!page->summed) { /* sums over several currencies mean nothing */
        json_put_null(w);
        return;
    }
    json_open_object(w);
    json_key(w, "currency");
    json_put_str(w, currency);
    for (size_t i = 0; i < COUNT(sums); i++) {
        json_key(w, sums[i].name);
        json_put_i64(w, sums[i].value);
    }
    json_close_object(w);
}

static uint16_t currency_number(const struct program *p, struct str code) {
    for (size_t i = 0; i < p->n_codes; i++) {
        if (p->codes[i].kind == CODE_CURRENCY && str_eq(p->codes[i].code, code)) return p->codes[i].no;
    }
    return 0;
}

static enum problem put_page(struct service *s, struct arena *a, struct json_writer *w, const struct member_found *m,
                             const struct page *page, struct faults *f) {
    struct origin *origins = NEW_ARRAY(a, struct origin, page->n);
    enum problem p = read_origins(s, a, m, page, origins, f);
    json_key(w, "data");
    json_open_array(w);
    for (size_t i = 0; i < page->n && p == P_OK; i++) p = put_line(s, a, w, m, &origins[i], &page->rows[i].e, f);
    json_close_array(w);
    return p;
}

enum problem member_transactions(struct service *s, struct arena *a, const struct tenant_row *t, struct str member,
                                 const struct transactions_query *q, struct str *out, struct faults *f) {
    struct member_found m;
    enum problem p = member_find(s, a, t, member, &m, f);
    if (p != P_OK) return p;
    uint16_t currency = q->currency.n > 0 ? currency_number(m.program, q->currency) : 0;
    if (q->currency.n > 0 && currency == 0)
        return fault_say(f, P_BAD_REQUEST, "the tenant has no currency \"" STR_FMT "\"", STR_ARG(q->currency));
    struct page page = {.summed = currency != 0};
    struct str of = of_what(a, &m, q);
    streams_of(a, &m, currency, &page);
    if (q->cursor.n > 0 && !cursor_read(a, q->cursor, of, &page)) return P_CURSOR;
    enum db_result r = q->cursor.n == 0 && page.summed ? read_summary(s, a, &m, q, currency, &page) : DB_OK;
    if (r == DB_OK) r = read_page(s, a, &m, q, &page);
    if (r != DB_OK) return service_problem(r, f);
    struct buf b = buf_new(a, SIZE_MAX); /* PAGE_MAX lines, each with at most the context of its event */
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    p = put_page(s, a, &w, &m, &page, f);
    put_summary(&w, q->currency, &page);
    json_key(&w, "next_cursor");
    if (page.more) {
        json_put_str(&w, cursor_write(a, of, &page));
    } else {
        json_put_null(&w);
    }
    json_close_object(&w);
    *out = buf_str(&b);
    return p;
}
