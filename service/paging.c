#include "service/paging.h"

#include "base/cursor.h"
#include "base/limits.h"

enum { CURSOR_FORMAT = 1, CURSOR_BYTES_MAX = 64 };

void paging_open(struct paging *p, struct arena *a, size_t limit) {
    *p = (struct paging){.text = buf_new(a, SIZE_MAX), .limit = limit};
    p->w = json_writer_of(&p->text);
    json_open_object(&p->w);
    json_key(&p->w, "data");
    json_open_array(&p->w);
}

bool paging_full(const struct paging *p) { return p->n == p->limit || p->text.n >= PAGE_BYTES_ENOUGH; }

struct str paging_close(struct paging *p, struct str next_cursor) {
    json_close_array(&p->w);
    json_key(&p->w, "next_cursor");
    json_put_text(&p->w, next_cursor);
    json_close_object(&p->w);
    return buf_str(&p->text);
}

struct str made_cursor(struct arena *a, struct made_at last) {
    struct buf b = buf_new(a, CURSOR_BYTES_MAX);
    buf_u8(&b, CURSOR_FORMAT);
    buf_i64(&b, last.created_at);
    buf_u8(&b, (uint8_t)last.id.n);
    buf_add(&b, last.id);
    MUST(buf_ok(&b)); /* ids of keys have 16 characters */
    return cursor_text(a, buf_str(&b));
}

bool made_cursor_parse(struct arena *a, struct str text, struct made_at *out) {
    struct str payload;
    *out = (struct made_at){.id = STR("")};
    if (text.n == 0) return true;
    if (!cursor_parse(a, text, &payload)) return false;
    struct reader r = reader_of(payload);
    bool ours = read_u8(&r) == CURSOR_FORMAT;
    out->created_at = read_i64(&r);
    out->id = read_bytes(&r, read_u8(&r));
    return ours && reader_done(&r);
}
