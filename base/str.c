#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct str str_of(const char *z) {
    return z ? (struct str){z, strlen(z)} : STR("");
}

bool str_eq(struct str a, struct str b) { return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); }

bool str_is(struct str a, const char *z) { return str_eq(a, str_of(z)); }

int str_cmp(struct str a, struct str b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    if (order) return order;
    return a.n < b.n ? -1 : a.n > b.n;
}

bool str_starts(struct str s, const char *prefix) {
    size_t n = strlen(prefix);
    return s.n >= n && (n == 0 || memcmp(s.p, prefix, n) == 0);
}

struct str str_copy(struct arena *a, struct str s) {
    if (!s.n) return STR("");
    return (struct str){arena_copy(a, s.p, s.n), s.n};
}

char *str_z(struct arena *a, struct str s) {
    MUST(!s.n || !memchr(s.p, '\0', s.n));
    char *z = arena_alloc(a, s.n + 1);
    if (s.n) memcpy(z, s.p, s.n);
    return z;
}

struct str str_printf(struct arena *a, const char *format, ...) {
    char small[256];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    MUST(n >= 0);
    char *text = arena_alloc(a, (size_t)n + 1);
    if ((size_t)n < sizeof small) {
        memcpy(text, small, (size_t)n);
    } else {
        vsnprintf(text, (size_t)n + 1, format, again);
    }
    va_end(again);
    return (struct str){text, (size_t)n};
}

struct str str_cut(struct str *rest, char separator) {
    struct str whole = *rest;
    const char *at = whole.n ? memchr(whole.p, separator, whole.n) : NULL;
    if (!at) {
        *rest = (struct str){NULL, 0};
        return whole;
    }
    size_t n = (size_t)(at - whole.p);
    *rest = (struct str){at + 1, whole.n - n - 1};
    return (struct str){whole.p, n};
}

bool str_to_i64(struct str s, int64_t lo, int64_t hi, int64_t *out) {
    bool negative = s.n && s.p[0] == '-';
    size_t i = negative ? 1 : 0;
    if (i == s.n) return false;
    int64_t v = 0; /* kept negative: the smallest int64 has no positive twin */
    for (; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') return false;
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, s.p[i] - '0', &v)) return false;
    }
    if (!negative && __builtin_sub_overflow(0, v, &v)) return false;
    if (v < lo || v > hi) return false;
    *out = v;
    return true;
}

/* RFC 3629, section 4: no over-long form, no surrogate. */
size_t str_utf8_at(struct str s, size_t at) {
    MUST(at < s.n);
    const uint8_t *p = (const uint8_t *)s.p + at;
    uint8_t first = p[0], lo = 0x80, hi = 0xbf;
    size_t n;
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) {
        n = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        n = 3;
        if (first == 0xe0) lo = 0xa0;
        if (first == 0xed) hi = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
        n = 4;
        if (first == 0xf0) lo = 0x90;
        if (first == 0xf4) hi = 0x8f;
    } else {
        return 0;
    }
    if (s.n - at < n || p[1] < lo || p[1] > hi) return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    return n;
}

bool str_is_utf8(struct str s) {
    for (size_t i = 0; i < s.n;) {
        size_t n = str_utf8_at(s, i);
        if (!n) return false;
        i += n;
    }
    return true;
}

bool str_has_control(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        uint8_t byte = (uint8_t)s.p[i];
        if (byte < 0x20 || byte == 0x7f) return true;
        if (byte == 0xc2 && i + 1 < s.n && (uint8_t)s.p[i + 1] >= 0x80 && (uint8_t)s.p[i + 1] < 0xa0) return true;
    }
    return false;
}
