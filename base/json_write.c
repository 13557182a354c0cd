#include "base/json.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/zone.h"

struct json_writer json_writer_of(struct buf *out) {
    return (struct json_writer){.out = out};
}

static void before_value(struct json_writer *w) {
    if (w->comma) buf_c(w->out, ',');
    w->comma = true;
}

static void open_with(struct json_writer *w, char c) {
    before_value(w);
    buf_c(w->out, c);
    w->depth++;
    w->comma = false;
}

static void close_with(struct json_writer *w, char c) {
    MUST(w->depth > 0);
    buf_c(w->out, c);
    w->depth--;
    w->comma = true;
}

void json_open_object(struct json_writer *w) { open_with(w, '{'); }
void json_close_object(struct json_writer *w) { close_with(w, '}'); }
void json_open_array(struct json_writer *w) { open_with(w, '['); }
void json_close_array(struct json_writer *w) { close_with(w, ']'); }

static void put_escaped(struct buf *out, unsigned char c) {
    static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *at = c ? strchr(named, c) : NULL;
    if (at) {
        buf_c(out, '\\');
        buf_c(out, letters[at - named]);
    } else {
        buf_f(out, "\\u%04x", c);
    }
}

/* What is not UTF-8 (a client's path, say) becomes U+FFFD: an answer is valid JSON whatever it quotes. */
static void put_quoted(struct buf *out, struct str s) {
    buf_c(out, '"');
    size_t from = 0, i = 0;
    while (i < s.n) {
        unsigned char c = (unsigned char)s.p[i];
        size_t n = c < 0x80 ? 1 : str_utf8_at(s, i);
        if (n && c >= 0x20 && c != '"' && c != '\\') {
            i += n;
            continue;
        }
        buf_bytes(out, s.p + from, i - from);
        if (n) {
            put_escaped(out, c);
        } else {
            buf_z(out, "\xef\xbf\xbd");
        }
        from = ++i;
    }
    if (s.n > from) buf_bytes(out, s.p + from, s.n - from);
    buf_c(out, '"');
}

void json_key_str(struct json_writer *w, struct str key) {
    before_value(w);
    put_quoted(w->out, key);
    buf_c(w->out, ':');
    w->comma = false;
}

void json_key(struct json_writer *w, const char *key) { json_key_str(w, str_of(key)); }

void json_put_str(struct json_writer *w, struct str s) {
    before_value(w);
    put_quoted(w->out, s);
}

void json_put_text(struct json_writer *w, struct str s) {
    if (s.n > 0) {
        json_put_str(w, s);
    } else {
        json_put_null(w);
    }
}

void json_put_z(struct json_writer *w, const char *z) {
    if (z) {
        json_put_str(w, str_of(z));
    } else {
        json_put_null(w);
    }
}

static void put_integer(struct buf *out, uint64_t magnitude, bool negative) {
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude);
    if (negative) digits[--at] = '-';
    buf_bytes(out, digits + at, sizeof digits - at);
}

static uint64_t magnitude_of(int64_t v) { return v < 0 ? -(uint64_t)v : (uint64_t)v; }

void json_put_i64(struct json_writer *w, int64_t v) {
    before_value(w);
    put_integer(w->out, magnitude_of(v), v < 0);
}

/* A number that JSON cannot say becomes null, as JavaScript has it. Fifteen digits are enough for what a person wrote; below
 * the normal doubles fewer may be. */
void json_put_double(struct json_writer *w, double d) {
    if (!isfinite(d)) {
        json_put_null(w);
        return;
    }
    if (d == floor(d) && fabs(d) <= (double)JSON_INTEGER_MAX) {
        json_put_i64(w, (int64_t)d);
        return;
    }
    char text[40];
    for (int digits = fabs(d) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, d);
        if (strtod(text, NULL) == d) break;
    }
    before_value(w);
    buf_z(w->out, text);
    if (!strpbrk(text, ".e")) buf_z(w->out, ".0"); /* beyond 2^53: as an integer the reader would refuse it */
}

void json_put_bool(struct json_writer *w, bool v) { json_put_raw(w, v ? STR("true") : STR("false")); }

void json_put_null(struct json_writer *w) { json_put_raw(w, STR("null")); }

void json_put_time(struct json_writer *w, int64_t ms) { json_put_str(w, time_text(w->out->arena, ms)); }

void json_put_thousandths(struct json_writer *w, int64_t v) {
    uint64_t magnitude = magnitude_of(v);
    unsigned fraction = (unsigned)(magnitude % 1000);
    before_value(w);
    put_integer(w->out, magnitude / 1000, v < 0);
    if (!fraction) return;
    char digits[4] = {'.', (char)('0' + fraction / 100), (char)('0' + fraction / 10 % 10), (char)('0' + fraction % 10)};
    size_t n = fraction % 10 ? 4 : fraction % 100 ? 3 : 2;
    buf_bytes(w->out, digits, n);
}

void json_put_raw(struct json_writer *w, struct str text) {
    before_value(w);
    buf_add(w->out, text);
}

void json_put_value(struct json_writer *w, const struct json *v) {
    switch (v->type) {
    case JSON_NULL: json_put_null(w); break;
    case JSON_BOOL: json_put_bool(w, v->boolean); break;
    case JSON_NUMBER: json_put_double(w, v->number); break;
    case JSON_STRING: json_put_str(w, v->string); break;
    case JSON_ARRAY:
        json_open_array(w);
        for (uint32_t i = 0; i < v->n; i++) json_put_value(w, &v->items[i]);
        json_close_array(w);
        break;
    case JSON_OBJECT:
        json_open_object(w);
        for (uint32_t i = 0; i < v->n; i++) {
            json_key_str(w, v->members[i].key);
            json_put_value(w, &v->members[i].value);
        }
        json_close_object(w);
        break;
    }
}

struct str json_to_text(struct arena *a, const struct json *v) {
    struct buf b = buf_new(a, SIZE_MAX);
    struct json_writer w = json_writer_of(&b);
    json_put_value(&w, v);
    return buf_str(&b);
}
