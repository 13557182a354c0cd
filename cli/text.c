#include "cli/text.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

static const struct str replacement = {"\xEF\xBF\xBD", 3}; /* U+FFFD */

/* ---- width ---- */

static wchar_t code_point(const char *p, size_t n) {
    static const unsigned char first[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    unsigned c = (unsigned char)p[0] & first[n];
    for (size_t i = 1; i < n; i++) c = c << 6 | ((unsigned char)p[i] & 0x3FU);
    return (wchar_t)c;
}

/* By the C library's tables, whatever locale the process has: only how characters are classed is taken from this one. */
static size_t char_width(const char *p, size_t n) {
    static locale_t utf8;
    if (n == 1) return 1;
    if (utf8 == NULL) utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
    if (utf8 == NULL) return 1;
    locale_t before = uselocale(utf8);
    int width = wcwidth(code_point(p, n));
    uselocale(before);
    return width >= 0 ? (size_t)width : 1;
}

/* Bytes of the character at `at`; 1 where there is none. */
static size_t char_bytes(struct str s, size_t at) {
    size_t n = str_utf8_at(s, at);
    return n > 0 ? n : 1;
}

size_t text_width(struct str s) {
    size_t width = 0;
    for (size_t at = 0; at < s.n; at += char_bytes(s, at)) width += char_width(s.p + at, char_bytes(s, at));
    return width;
}

struct str text_cut(struct arena *a, struct str s, size_t width) {
    MUST(width > 0);
    if (text_width(s) <= width) return s;
    size_t at = 0, used = 0;
    for (;;) {
        size_t n = char_bytes(s, at), w = char_width(s.p + at, n);
        if (used + w > width - 1) break;
        used += w;
        at += n;
    }
    return str_printf(a, STR_FMT "…", (int)at, s.p);
}

/* ---- what it says ---- */

struct str text_plain(struct arena *a, struct str s) {
    if (str_is_utf8(s) && !str_has_control(s)) return s;
    struct buf b = buf_new(a, SIZE_MAX);
    for (size_t at = 0; at < s.n;) {
        size_t n = str_utf8_at(s, at);
        struct str one = {s.p + at, n > 0 ? n : 1};
        buf_add(&b, n == 0 || str_has_control(one) ? replacement : one);
        at += one.n;
    }
    return buf_str(&b);
}

struct str text_time(struct arena *a, struct str t) {
    if (t.n < 20 || t.p[10] != 'T' || t.p[t.n - 1] != 'Z') return t;
    return str_printf(a, "%.10s %.8s", t.p, t.p + 11);
}

struct str text_at(const struct json *object, const char *key) {
    const struct json *v = json_get(object, key);
    return v != NULL && v->type == JSON_STRING ? v->string : STR("");
}

struct str number_at(struct arena *a, const struct json *object, const char *key) {
    const struct json *v = json_get(object, key);
    return v != NULL && v->type == JSON_NUMBER ? json_to_text(a, v) : STR("");
}

/* ---- the terminal ---- */

bool colours_wanted(void) {
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    bool refused = (no != NULL && no[0] != '\0') || (term != NULL && strcmp(term, "dumb") == 0);
    return !refused && isatty(STDOUT_FILENO);
}

static struct winsize terminal(void) {
    struct winsize size = {0};
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) size = (struct winsize){0};
    return size;
}

size_t terminal_columns(void) { return terminal().ws_col; }
size_t terminal_rows(void) { return terminal().ws_row; }

void colour_add(struct buf *b, bool colours, enum colour colour, struct str text) {
    static const char *const codes[] = {"", "31", "32", "33", "1", "2"};
    if (!colours || colour == COLOUR_NONE) {
        buf_add(b, text);
    } else {
        buf_f(b, "\033[%sm" STR_FMT "\033[0m", codes[colour], STR_ARG(text));
    }
}

static void put_line(struct buf *b, size_t depth) {
    buf_c(b, '\n');
    for (size_t i = 0; i < depth; i++) buf_z(b, "  ");
}

void put_indented(struct buf *b, struct str json) {
    size_t depth = 0;
    bool in_text = false;
    for (size_t i = 0; i < json.n; i++) {
        char c = json.p[i];
        bool opens = !in_text && (c == '{' || c == '['), closes = !in_text && (c == '}' || c == ']');
        bool empty = opens && i + 1 < json.n && (json.p[i + 1] == '}' || json.p[i + 1] == ']');
        if (closes && json.p[i - 1] != '{' && json.p[i - 1] != '[') put_line(b, --depth);
        buf_c(b, c);
        if (c == '"') in_text = !in_text;
        if (in_text && c == '\\' && i + 1 < json.n) buf_c(b, json.p[++i]);
        if (!in_text && c == ':') buf_c(b, ' ');
        if (opens && !empty) put_line(b, ++depth);
        if (!in_text && c == ',') put_line(b, depth);
    }
}
