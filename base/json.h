/* base/json.h: JSON texts, read strictly into plain values, and written.
 *
 * Reading: a strict pass of our own (RFC 8259 grammar, UTF-8, depth, number of values, duplicate keys, no \u0000, no lone
 * surrogate, nothing after the value), then json-c, then a copy into the arena. json-c alone is not strict enough
 * (MECHANICS 5). Numbers are IEEE doubles; an integer beyond ±2^53 or a number beyond the doubles is refused
 * (P_NUMBER). The values are immutable and are also what expressions work on. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/problem.h"
#include "base/str.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_member;
struct json {
    enum json_type type;
    uint32_t n; /* of items or members */
    union {
        bool boolean;
        double number; /* never NaN, infinite, or −0 as read */
        struct str string;
        const struct json *items;
        const struct json_member *members; /* in document order */
    };
};
struct json_member {
    struct str key;
    struct json value;
};

/* On refusal adds one fault (pointer to the place where one is known, byte offset in the detail) and returns P_MALFORMED_JSON
 * or P_NUMBER. */
MUST_CHECK enum problem json_parse(struct arena *a, struct str text, struct json *out, struct faults *faults);
/* A text of our own around a value that json_parse took, which makes it deeper by at most JSON_WRAPPING_MAX. */
MUST_CHECK enum problem json_parse_wrapped(struct arena *a, struct str text, struct json *out, struct faults *faults);
const struct json *json_get(const struct json *object, const char *key); /* NULL: no object or no such member */
const struct json *json_find(const struct json *object, struct str key);
struct json json_text(struct str s);
struct json json_num(double d);
bool json_is_integer(const struct json *v, int64_t lo, int64_t hi, int64_t *out); /* a number without fraction in range */
const char *json_type_name(enum json_type t);
bool json_equal(const struct json *a, const struct json *b); /* members in any order */

/* Writing. The writer puts commas itself; keys are literals. Numbers are written shortest that reads back the same, integers
 * without a point: the text of an answer must never change, so this is ours and not a library's. */
struct json_writer {
    struct buf *out;
    uint32_t depth;
    bool comma;
};
struct json_writer json_writer_of(struct buf *out);
void json_open_object(struct json_writer *w);
void json_close_object(struct json_writer *w);
void json_open_array(struct json_writer *w);
void json_close_array(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
void json_key_str(struct json_writer *w, struct str key);
void json_put_str(struct json_writer *w, struct str s);
void json_put_text(struct json_writer *w, struct str s); /* "" writes null: nothing was said */
void json_put_z(struct json_writer *w, const char *z);   /* NULL writes null */
void json_put_i64(struct json_writer *w, int64_t v);
void json_put_double(struct json_writer *w, double d);
void json_put_bool(struct json_writer *w, bool v);
void json_put_null(struct json_writer *w);
void json_put_time(struct json_writer *w, int64_t ms);       /* "2026-11-21T10:00:00.000Z" */
void json_put_thousandths(struct json_writer *w, int64_t v); /* 76500 → 76.5 */
void json_put_raw(struct json_writer *w, struct str text);   /* text is JSON already */
void json_put_value(struct json_writer *w, const struct json *v);
struct str json_to_text(struct arena *a, const struct json *v); /* compact, members in the order they stand */

#endif
