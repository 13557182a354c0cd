#include "base/str.h"

struct reader reader_of(struct str s) {
    return (struct reader){.p = (const uint8_t *)s.p, .n = s.n};
}

static uint64_t read_integer(struct reader *r, size_t width) {
    if (r->bad || r->n - r->at < width) {
        r->bad = true;
        return 0;
    }
    uint64_t v = 0;
    for (size_t i = 0; i < width; i++) v = v << 8 | r->p[r->at++];
    return v;
}

uint8_t read_u8(struct reader *r) { return (uint8_t)read_integer(r, 1); }
uint16_t read_u16(struct reader *r) { return (uint16_t)read_integer(r, 2); }
uint32_t read_u32(struct reader *r) { return (uint32_t)read_integer(r, 4); }
uint64_t read_u64(struct reader *r) { return read_integer(r, 8); }
int64_t read_i64(struct reader *r) { return (int64_t)read_integer(r, 8); }

struct str read_bytes(struct reader *r, size_t n) {
    if (r->bad || r->n - r->at < n) {
        r->bad = true;
        return STR("");
    }
    if (!n) return STR("");
    struct str s = {(const char *)r->p + r->at, n};
    r->at += n;
    return s;
}

bool reader_done(const struct reader *r) { return !r->bad && r->at == r->n; }
