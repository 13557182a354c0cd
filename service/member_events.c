/* service/member_events.c: a member's events with what each caused, newest first. The cursor is the version of the last one
 * that was looked at. */
#include "base/cursor.h"
#include "base/limits.h"
#include "base/log.h"
#include "engine/outcome.h"
#include "service/inside.h"
#include "service/people.h"

enum {
    CURSOR_FORMAT = 1,
    ROWS_PER_PAGE_MAX = 1000, /* a page that meets few events among many adjustments ends early too */
};

static bool cursor_read(struct arena *a, struct str text, uint64_t *before_version) {
    struct str payload;
    if (!cursor_parse(a, text, &payload)) return false;
    struct reader r = reader_of(payload);
    if (read_u8(&r) != CURSOR_FORMAT) return false;
    *before_version = read_u64(&r);
    return reader_done(&r);
}

static struct str cursor_write(struct arena *a, uint64_t before_version) {
    struct buf b = buf_new(a, 64);
    buf_u8(&b, CURSOR_FORMAT);
    buf_u64(&b, before_version);
    return cursor_text(a, buf_str(&b));
}

static void put_text(struct json_writer *w, const char *key, struct str value) {
    json_key(w, key);
    json_put_str(w, value);
}

static void put_object(struct json_writer *w, const char *key, const struct json *value) {
    json_key(w, key);
    if (value != NULL) {
        json_put_value(w, value);
    } else {
        json_put_null(w);
    }
}

static void put_event(struct json_writer *w, struct arena *a, const struct outcome *o, const struct sealed *sealed, const struct program *p,
                      struct str member) {
    json_open_object(w);
    json_key(w, "event");
    json_open_object(w);
    put_text(w, "source", sealed->source);
    put_text(w, "id", sealed->id);
    put_text(w, "type", sealed->type);
    json_key(w, "time");
    json_put_time(w, o->event_time);
    put_object(w, "data", sealed->data);
    put_object(w, "context", sealed->context);
    json_close_object(w);
    json_key(w, "settled_at");
    json_put_time(w, o->settled_at);
    json_key(w, "outcome");
    outcome_render(w, a, o, p, member, sealed->source, sealed->id, false);
    json_close_object(w);
}

struct page {
    struct service *s;
    struct arena *a;
    const struct member_found *m;
    struct json_writer w;
    size_t n, limit, rows;
    uint64_t before_version; /* of the last row that was looked at */
    bool more;
};

/* One row: shown where it is an event's. */
static enum problem put_row(struct page *page, const struct outcome_row *row, bool *is_event, struct faults *f) {
    const struct member_found *m = page->m;
    struct outcome o = {0};
    struct sealed sealed;
    struct str clear;
    const struct program *p;
    if (!outcome_decode(page->a, row->clear, &o)) goto damaged;
    *is_event = o.change == CHANGE_EVENT;
    if (!*is_event || page->n == page->limit) return P_OK;
    if (!crypto_open(page->a, m->sealing_key, seal_associated(page->a, row->tenant, row->member), row->sealed, &clear)) goto damaged;
    if (!sealed_decode(page->a, clear, &sealed)) goto damaged;
    enum problem problem = program_get(page->s, row->tenant, o.config_version, &p, f);
    if (problem == P_OK) put_event(&page->w, page->a, &o, &sealed, p, m->external_id);
    return problem;
damaged:
    log_line(LOG_ERROR, "outcome_damaged", "day=%u lane=%u n=%llu i=%u", row->at.day, row->at.lane, (unsigned long long)row->at.n,
             row->at.i);
    return P_INTERNAL;
}

/* Up to the first event that does not fit on the page. */
static enum problem put_rows(struct page *page, const struct outcome_row *rows, size_t n, struct faults *f) {
    for (size_t i = 0; i < n && !page->more; i++) {
        bool is_event;
        enum problem p = put_row(page, &rows[i], &is_event, f);
        if (p != P_OK) return p;
        page->more = is_event && page->n == page->limit;
        if (page->more) break;
        page->n += is_event;
        page->before_version = rows[i].member_version;
        page->more = ++page->rows >= ROWS_PER_PAGE_MAX || page->w.out->n >= PAGE_BYTES_ENOUGH;
    }
    return P_OK;
}

static enum problem put_events(struct page *page, struct faults *f) {
    enum problem p = P_OK;
    while (p == P_OK && !page->more) {
        struct outcome_row *rows;
        size_t n;
        enum db_result r = outcomes_backwards(page->s->db, page->a, page->m->state->tenant, page->m->no, page->before_version,
                                              page->limit + 1 - page->n, &rows, &n);
        if (r != DB_OK) return service_problem(r, f);
        if (n == 0) break;
        p = put_rows(page, rows, n, f);
    }
    return p;
}

enum problem member_events(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, size_t limit,
                           struct str cursor, struct str *out, struct faults *f) {
    struct member_found m;
    enum problem p = member_find(s, a, t, member, &m, f);
    if (p != P_OK) return p;
    struct buf b = buf_new(a, SIZE_MAX);
    struct page page = {.s = s, .a = a, .m = &m, .w = json_writer_of(&b), .limit = limit, .before_version = UINT64_MAX};
    if (cursor.n > 0 && !cursor_read(a, cursor, &page.before_version)) return P_CURSOR;
    json_open_object(&page.w);
    json_key(&page.w, "data");
    json_open_array(&page.w);
    p = put_events(&page, f);
    json_close_array(&page.w);
    json_key(&page.w, "next_cursor");
    if (page.more) {
        json_put_str(&page.w, cursor_write(a, page.before_version));
    } else {
        json_put_null(&page.w);
    }
    json_close_object(&page.w);
    *out = buf_str(&b);
    return p;
}
