#include "http/headers.h"

#include <string.h>
#include <strings.h>

static struct str trim(struct str s) {
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) s = (struct str){s.p + 1, s.n - 1};
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) s.n--;
    return s;
}

static bool same_word(struct str s, const char *word) { return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0; }

bool header_joined(struct str value) { return value.n > 0 && memmem(value.p, value.n, ", ", 2) != NULL; }

struct str bearer_of(struct str authorization) {
    struct str rest = trim(authorization), scheme = str_cut(&rest, ' ');
    return same_word(scheme, "Bearer") ? trim(rest) : STR("");
}

bool is_plain(struct str content_encoding) { return trim(content_encoding).n == 0 || same_word(trim(content_encoding), "identity"); }

bool is_json_type(struct str content_type) { return media_type_is(content_type, "application/json"); }

bool media_type_is(struct str content_type, const char *wanted) {
    struct str rest = content_type, type = trim(str_cut(&rest, ';'));
    if (!same_word(type, wanted)) return false;
    while (rest.p != NULL) {
        struct str value = str_cut(&rest, ';'), name;
        if (trim(value).n == 0) continue;
        name = trim(str_cut(&value, '='));
        value = trim(value);
        if (!same_word(name, "charset") || (!same_word(value, "utf-8") && !same_word(value, "\"utf-8\""))) return false;
    }
    return true;
}

static bool is_etag_char(char c) { return c == 0x21 || (c >= 0x23 && c != 0x7f) || c < 0; } /* above ASCII it is a byte of any text */

bool etag_next(struct str *rest, struct etag *out) {
    struct str s = trim(*rest);
    while (s.n > 0 && s.p[0] == ',') s = trim((struct str){s.p + 1, s.n - 1}); /* a list may have empty elements */
    *rest = s;
    size_t at = s.n >= 2 && s.p[0] == 'W' && s.p[1] == '/' ? 2 : 0, end = at + 1;
    if (at >= s.n || s.p[at] != '"') return false;
    while (end < s.n && is_etag_char(s.p[end])) end++;
    if (end == s.n || s.p[end] != '"') return false;
    *out = (struct etag){at > 0, {s.p + at, end + 1 - at}};
    s = trim((struct str){s.p + end + 1, s.n - end - 1});
    if (s.n > 0 && s.p[0] != ',') return false;
    *rest = s;
    return true;
}

bool etag_listed(struct str list, struct str etag) {
    struct str rest = etag;
    struct etag own, other;
    if (!etag_next(&rest, &own)) return false;
    if (str_is(trim(list), "*")) return true;
    for (rest = list; etag_next(&rest, &other);) {
        if (str_eq(own.text, other.text)) return true;
    }
    return false;
}

bool etags_are_valid(struct str list) {
    struct str rest = list;
    struct etag tag;
    size_t n = 0;
    if (str_is(trim(list), "*")) return true;
    while (etag_next(&rest, &tag)) n++;
    return n > 0 && rest.n == 0;
}

bool etag_matched(struct str list, struct str etag) {
    struct str rest = etag;
    struct etag own, other;
    if (str_is(trim(list), "*")) return true;
    if (!etag_next(&rest, &own) || own.weak) return false;
    for (rest = list; etag_next(&rest, &other);) {
        if (!other.weak && str_eq(own.text, other.text)) return true;
    }
    return false;
}

/* What stands between the quotes; a '"' or '\' in it has a '\' before it. */
static bool unquote(struct arena *a, struct str quoted, struct str *out) {
    char *text = arena_alloc(a, quoted.n);
    size_t n = 0;
    for (size_t i = 1; i + 1 < quoted.n; i++) {
        char c = quoted.p[i];
        if (c == '"') return false;
        if (c == '\\') {
            c = quoted.p[++i];
            if (i + 1 >= quoted.n || (c != '"' && c != '\\')) return false;
        }
        text[n++] = c;
    }
    *out = (struct str){text, n};
    return quoted.n >= 2 && quoted.p[quoted.n - 1] == '"';
}

bool idempotency_key_parse(struct arena *a, struct str field, struct str *key) {
    struct str text = trim(field);
    bool quoted = text.n > 0 && text.p[0] == '"';
    if (quoted && !unquote(a, text, &text)) return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < (quoted ? 0x20 : 0x21) || text.p[i] > 0x7e) return false;
    }
    if (!quoted && text.n > 0 && text.p[text.n - 1] == ',') return false; /* joined by nginx >= 1.23 with an empty field after it */
    *key = text;
    return text.n >= 1 && text.n <= KEY_CHARS_MAX;
}
