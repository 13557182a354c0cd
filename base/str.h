/* base/str.h: views of bytes, and the one builder for text and for encodings.
 *
 * A struct str owns nothing and is not NUL-terminated. A struct buf grows in its arena up to a hard maximum; beyond that it
 * sets `overflow` and ignores what follows, to be checked once at the end (buf_ok). */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/must.h"

struct str {
    const char *p;
    size_t n;
};

#define STR(lit)   ((struct str){"" lit, sizeof(lit) - 1})
#define STR_FMT    "%.*s"
#define STR_ARG(s) (int)(s).n, (s).p

struct str str_of(const char *z); /* z is NUL-terminated, may be NULL: empty */
bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *z);
int str_cmp(struct str a, struct str b); /* bytewise; a prefix sorts first */
bool str_starts(struct str s, const char *prefix);
struct str str_copy(struct arena *a, struct str s);
char *str_z(struct arena *a, struct str s); /* NUL-terminated copy; s holds no NUL (MUST) */
struct str str_printf(struct arena *a, const char *format, ...) PRINTF(2, 3);
struct str str_cut(struct str *rest, char separator); /* the part before separator; *rest is what follows, or {NULL,0} */
MUST_CHECK bool str_to_i64(struct str s, int64_t lo, int64_t hi, int64_t *out); /* decimal digits, optional '-', nothing else */
bool str_is_utf8(struct str s);                                                 /* well-formed, no surrogates, at most U+10FFFF */
size_t str_utf8_at(struct str s, size_t at); /* bytes of the character that starts at `at` (MUST: < n); 0: none that is well-formed */
bool str_has_control(struct str s);          /* U+0000–U+001F, U+007F, U+0080–U+009F */

struct buf {
    struct arena *arena;
    char *p;
    size_t n, cap, max;
    bool overflow;
};

struct buf buf_new(struct arena *a, size_t max);
void buf_add(struct buf *b, struct str s);
void buf_z(struct buf *b, const char *z);
void buf_c(struct buf *b, char c);
void buf_f(struct buf *b, const char *format, ...) PRINTF(2, 3);
void buf_bytes(struct buf *b, const void *p, size_t n);
void buf_u8(struct buf *b, uint8_t v); /* big-endian and fixed-width, as ENCODINGS says */
void buf_u16(struct buf *b, uint16_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
void buf_i64(struct buf *b, int64_t v);
MUST_CHECK bool buf_ok(const struct buf *b);
struct str buf_str(const struct buf *b); /* a view; valid until the next addition */

/* Reading such an encoding back: sticky as well; after `bad` every read gives 0. */
struct reader {
    const uint8_t *p;
    size_t n, at;
    bool bad;
};
struct reader reader_of(struct str s);
uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
int64_t read_i64(struct reader *r);
struct str read_bytes(struct reader *r, size_t n); /* a view into the source */
bool reader_done(const struct reader *r);          /* everything read, nothing bad */

#endif
