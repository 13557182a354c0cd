#include "base/json_strict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/place.h"

struct key {
    struct str text; /* decoded */
    size_t at;
};

struct scan {
    struct arena *arena;
    struct faults *faults;
    enum problem problem; /* of the fault that ended the pass */
    const char *p;
    size_t n, at;
    uint32_t depth, depth_max, values;
    LIST(struct key) keys; /* of all objects that are open, innermost last */
};

static bool refuse(struct scan *s, const struct place *place, size_t at, enum problem p, const char *what) {
    const char *end = at >= s->n ? "; the text ends here" : "";
    s->problem = fault_add(s->faults, p, place_pointer(s->arena, place), "%s, at byte %zu%s", what, at, end);
    return false;
}

static bool malformed(struct scan *s, const struct place *place, size_t at, const char *what) {
    return refuse(s, place, at, P_MALFORMED_JSON, what);
}

/* The next byte, or 0 at the end: a NUL byte in the text is nowhere allowed, so both are refused alike. */
static char peek(const struct scan *s) {
    if (s->at < s->n) return s->p[s->at];
    return '\0';
}

static void skip_space(struct scan *s) {
    while (s->at < s->n && (s->p[s->at] == ' ' || s->p[s->at] == '\n' || s->p[s->at] == '\t' || s->p[s->at] == '\r')) s->at++;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* The value of the four hexadecimal digits at `at`, or -1. */
static int hex4(const struct scan *s, size_t at) {
    if (s->n - at < 4) return -1;
    int v = 0;
    for (size_t i = at; i < at + 4; i++) {
        char c = s->p[i];
        int lower = c | 0x20;
        if (is_digit(c)) {
            v = v * 16 + (c - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            v = v * 16 + (lower - 'a' + 10);
        } else {
            return -1;
        }
    }
    return v;
}

/* An escape; s->at stands on the backslash and is moved behind the escape. */
static bool escape(struct scan *s, const struct place *place) {
    size_t at = s->at++;
    char c = peek(s);
    if (c != 'u') {
        if (!c || !strchr("\"\\/bfnrt", c)) return malformed(s, place, at, "there is no such escape");
        s->at++;
        return true;
    }
    int v = hex4(s, ++s->at);
    if (v < 0) return malformed(s, place, at, "\\u needs four hexadecimal digits");
    if (v == 0) return malformed(s, place, at, "\\u0000 is not allowed");
    if (v >= 0xdc00 && v <= 0xdfff) return malformed(s, place, at, "a low surrogate needs a high one before it");
    s->at += 4;
    if (v < 0xd800 || v > 0xdbff) return true;
    int low = s->n - s->at >= 6 && s->p[s->at] == '\\' && s->p[s->at + 1] == 'u' ? hex4(s, s->at + 2) : -1;
    if (low < 0xdc00 || low > 0xdfff) return malformed(s, place, at, "a high surrogate needs a low one behind it");
    s->at += 6;
    return true;
}

/* A string; s->at stands on the quote. *raw is what stands between the quotes, *escaped whether it has escapes. */
static bool string(struct scan *s, const struct place *place, struct str *raw, bool *escaped) {
    size_t start = ++s->at;
    bool ascii = true;
    *escaped = false;
    for (;;) {
        if (s->at >= s->n) return malformed(s, place, s->at, "a string is not closed");
        unsigned char c = (unsigned char)s->p[s->at];
        if (c == '"') break;
        if (c == '\\') {
            *escaped = true;
            if (!escape(s, place)) return false;
            continue;
        }
        if (c < 0x20) return malformed(s, place, s->at, "a control character in a string must be escaped");
        if (c >= 0x80) ascii = false;
        s->at++;
    }
    *raw = (struct str){s->p + start, s->at - start};
    if (!ascii && !str_is_utf8(*raw)) return malformed(s, place, start - 1, "a string is not UTF-8");
    s->at++;
    return true;
}

static void add_utf8(struct buf *b, uint32_t c) {
    if (c < 0x80) {
        buf_u8(b, (uint8_t)c);
        return;
    }
    if (c < 0x800) {
        buf_u8(b, (uint8_t)(0xc0 | c >> 6));
    } else if (c < 0x10000) {
        buf_u8(b, (uint8_t)(0xe0 | c >> 12));
        buf_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
    } else {
        buf_u8(b, (uint8_t)(0xf0 | c >> 18));
        buf_u8(b, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
        buf_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
    }
    buf_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
}

/* A key with escapes, already found valid, as the text it means: "a" and "\u0061" are the same key. */
static struct str decode(struct scan *s, struct str raw) {
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    struct buf b = buf_new(s->arena, raw.n);
    for (size_t i = 0; i < raw.n;) {
        if (raw.p[i] != '\\') {
            buf_c(&b, raw.p[i++]);
        } else if (raw.p[i + 1] != 'u') {
            buf_c(&b, meant[strchr(names, raw.p[i + 1]) - names]);
            i += 2;
        } else {
            size_t at = (size_t)(raw.p - s->p) + i + 2;
            uint32_t c = (uint32_t)hex4(s, at);
            i += 6;
            if (c >= 0xd800 && c <= 0xdbff) {
                c = 0x10000 + ((c - 0xd800) << 10) + ((uint32_t)hex4(s, at + 6) - 0xdc00);
                i += 6;
            }
            add_utf8(&b, c);
        }
    }
    return buf_str(&b);
}

static int key_order(const void *a, const void *b) {
    const struct key *x = a, *y = b;
    int order = str_cmp(x->text, y->text);
    if (order) return order;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* The second of the first pair of equal keys, or NULL. Few keys are compared in pairs, many are sorted: never quadratic. */
static const struct key *find_duplicate(struct key *keys, size_t n) {
    const struct key *found = NULL;
    if (n <= 16) {
        for (size_t i = 1; i < n; i++)
            for (size_t j = 0; j < i; j++)
                if (str_eq(keys[i].text, keys[j].text)) return &keys[i];
        return NULL;
    }
    qsort(keys, n, sizeof *keys, key_order);
    for (size_t i = 1; i < n; i++)
        if (str_eq(keys[i - 1].text, keys[i].text) && (!found || keys[i].at < found->at)) found = &keys[i];
    return found;
}

static bool integer_fits(struct str literal) {
    int64_t v;
    return literal.n < 16 || str_to_i64(literal, -JSON_INTEGER_MAX, JSON_INTEGER_MAX, &v);
}

static bool number(struct scan *s, const struct place *place) {
    size_t start = s->at;
    bool integer = true, exponent = false;
    if (peek(s) == '-') s->at++;
    if (!is_digit(peek(s))) return malformed(s, place, s->at, "a digit is expected");
    if (peek(s) == '0') {
        s->at++;
        if (is_digit(peek(s))) return malformed(s, place, s->at, "a number has no leading zero");
    }
    while (is_digit(peek(s))) s->at++;
    if (peek(s) == '.') {
        integer = false;
        s->at++;
        if (!is_digit(peek(s))) return malformed(s, place, s->at, "a digit is expected");
        while (is_digit(peek(s))) s->at++;
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        integer = false;
        exponent = true;
        s->at++;
        if (peek(s) == '+' || peek(s) == '-') s->at++;
        if (!is_digit(peek(s))) return malformed(s, place, s->at, "a digit is expected");
        while (is_digit(peek(s))) s->at++;
    }
    struct str literal = {s->p + start, s->at - start};
    if (integer) {
        if (integer_fits(literal)) return true;
        return refuse(s, place, start, P_NUMBER, "an integer beyond 9007199254740992 (2^53) is not kept exactly");
    }
    /* Only an exponent, or more than 300 digits, can lead beyond the doubles: the rest need not be converted twice. */
    if ((exponent || literal.n > 300) && !isfinite(strtod(str_z(s->arena, literal), NULL)))
        return refuse(s, place, start, P_NUMBER, "a number is beyond what a double holds");
    return true;
}

static bool literal_word(struct scan *s, const struct place *place, const char *word) {
    size_t n = strlen(word);
    if (s->n - s->at < n || memcmp(s->p + s->at, word, n) != 0) return malformed(s, place, s->at, "a value is expected");
    s->at += n;
    return true;
}

static bool value(struct scan *s, const struct place *place);

static bool array(struct scan *s, const struct place *place) {
    s->at++;
    skip_space(s);
    if (peek(s) == ']') return s->at++, true;
    for (struct place item = {.parent = place};; item.index++) {
        if (!value(s, &item)) return false;
        skip_space(s);
        char c = peek(s);
        if (c != ',' && c != ']') return malformed(s, place, s->at, "',' or ']' is expected");
        s->at++;
        if (c == ']') return true;
        skip_space(s);
    }
}

static bool object(struct scan *s, const struct place *place) {
    size_t first = s->keys.n;
    s->at++;
    skip_space(s);
    if (peek(s) == '}') return s->at++, true;
    for (;;) {
        size_t at = s->at;
        struct str raw;
        bool escaped;
        if (peek(s) != '"') return malformed(s, place, at, "a member name in double quotes is expected");
        if (!string(s, place, &raw, &escaped)) return false;
        struct place member = {.parent = place, .key = escaped ? decode(s, raw) : raw};
        *LIST_PUSH(s->arena, &s->keys) = (struct key){.text = member.key, .at = at};
        skip_space(s);
        if (peek(s) != ':') return malformed(s, &member, s->at, "':' is expected");
        s->at++;
        skip_space(s);
        if (!value(s, &member)) return false;
        skip_space(s);
        char c = peek(s);
        if (c != ',' && c != '}') return malformed(s, place, s->at, "',' or '}' is expected");
        s->at++;
        if (c == '}') break;
        skip_space(s);
    }
    const struct key *twice = find_duplicate(s->keys.items + first, s->keys.n - first);
    s->keys.n = first;
    if (twice) return malformed(s, &(struct place){.parent = place, .key = twice->text}, twice->at, "a member stands here twice");
    return true;
}

static bool value(struct scan *s, const struct place *place) {
    if (++s->values > JSON_NODES_MAX) return malformed(s, place, s->at, "the text has too many values");
    char c = peek(s);
    struct str raw;
    bool escaped;
    switch (c) {
    case '{':
    case '[': {
        if (s->depth == s->depth_max) return malformed(s, place, s->at, "the text is nested too deeply");
        s->depth++;
        bool good = c == '{' ? object(s, place) : array(s, place);
        s->depth--;
        return good;
    }
    case '"': return string(s, place, &raw, &escaped);
    case 't': return literal_word(s, place, "true");
    case 'f': return literal_word(s, place, "false");
    case 'n': return literal_word(s, place, "null");
    default:
        if (c == '-' || is_digit(c)) return number(s, place);
        return malformed(s, place, s->at, "a value is expected");
    }
}

enum problem json_strict(struct arena *a, struct str text, uint32_t depth_max, struct str *out, struct faults *faults) {
    struct scan s = {.arena = a, .faults = faults, .p = text.p, .n = text.n, .depth_max = depth_max};
    const struct place whole = {.key = STR("")};
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0) {
        malformed(&s, &whole, 0, "a byte order mark is not allowed");
        return s.problem;
    }
    skip_space(&s);
    size_t start = s.at;
    if (start == s.n) {
        malformed(&s, &whole, start, "a value is expected");
        return s.problem;
    }
    if (!value(&s, &whole)) return s.problem;
    *out = (struct str){text.p + start, s.at - start};
    skip_space(&s);
    if (s.at < s.n) malformed(&s, &whole, s.at, "nothing may follow the value");
    return s.problem;
}
