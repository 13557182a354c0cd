/* engine/expr_js.c: the conversions and comparisons of JavaScript that JsonLogic is defined by. */
#include "engine/expr_node.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

struct json js_bool(bool v) {
    return (struct json){.type = JSON_BOOL, .boolean = v};
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static size_t digits(struct str s, size_t from) {
    size_t i = from;
    while (i < s.n && is_digit(s.p[i])) i++;
    return i - from;
}

static struct str trimmed(struct str s) {
    while (s.n > 0 && strchr(" \t\n\v\f\r", s.p[0])) s.p++, s.n--;
    while (s.n > 0 && strchr(" \t\n\v\f\r", s.p[s.n - 1])) s.n--;
    return s;
}

/* How many bytes at the beginning are a decimal number; 0: none. strtod alone would take "0x1p3", "inf" and "nan" as well. */
static size_t decimal_prefix(struct str s) {
    size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
    if (s.n - i >= 8 && memcmp(s.p + i, "Infinity", 8) == 0) return i + 8;
    size_t whole = digits(s, i), fraction = 0;
    i += whole;
    if (i < s.n && s.p[i] == '.') {
        fraction = digits(s, i + 1);
        if (whole + fraction > 0) i += 1 + fraction;
    }
    if (whole + fraction == 0) return 0;
    if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
        size_t sign = i + 1 < s.n && (s.p[i + 1] == '-' || s.p[i + 1] == '+');
        size_t exponent = digits(s, i + 1 + sign);
        if (exponent > 0) i += 1 + sign + exponent;
    }
    return i;
}

static double decimal_value(struct arena *a, struct str s) {
    char small[64];
    if (s.n >= sizeof small) return strtod(str_z(a, s), NULL);
    memcpy(small, s.p, s.n);
    small[s.n] = '\0';
    return strtod(small, NULL);
}

static double radix_value(struct str s, int radix) {
    double value = 0;
    for (size_t i = 0; i < s.n; i++) {
        const char *all = "0123456789abcdef";
        const char *at = s.p[i] ? strchr(all, s.p[i] >= 'A' && s.p[i] <= 'F' ? s.p[i] - 'A' + 'a' : s.p[i]) : NULL;
        if (!at || at - all >= radix) return NAN;
        value = value * radix + (double)(at - all);
    }
    return s.n > 0 ? value : NAN;
}

double js_text_to_number(struct arena *a, struct str s) {
    s = trimmed(s);
    if (s.n == 0) return 0;
    if (s.n > 2 && s.p[0] == '0') {
        struct str rest = {s.p + 2, s.n - 2};
        switch (s.p[1]) {
        case 'x':
        case 'X': return radix_value(rest, 16);
        case 'o':
        case 'O': return radix_value(rest, 8);
        case 'b':
        case 'B': return radix_value(rest, 2);
        default: break;
        }
    }
    return decimal_prefix(s) == s.n ? decimal_value(a, s) : NAN;
}

double js_parse_float(struct arena *a, struct str s) {
    s = trimmed(s);
    s.n = decimal_prefix(s);
    return s.n > 0 ? decimal_value(a, s) : NAN;
}

/* The fewest digits that read back as the same number: what was written with 15 comes back with 15 (the smallest doubles hold
 * fewer), and 17 suffice for every double. */
static int shortest(double d, char text[32]) {
    for (int precision = d < DBL_MIN ? 0 : 14;; precision++) {
        snprintf(text, 32, "%#.*e", precision, d); /* # keeps the point */
        if (precision == 16 || strtod(text, NULL) == d) break;
    }
    char *e = strchr(text, 'e');
    MUST(e);
    int exponent = (int)strtol(e + 1, NULL, 10);
    memmove(text + 1, text + 2, (size_t)(e - text) - 2); /* the point */
    char *end = e - 1;
    while (end > text + 1 && end[-1] == '0') end--;
    *end = '\0';
    return exponent + 1; /* where the point belongs, counted in digits */
}

struct str js_number_to_text(struct arena *a, double d) {
    if (d == trunc(d) && fabs(d) < 1e15) return str_printf(a, "%lld", (long long)d);
    char text[32];
    int point = shortest(fabs(d), text), n = (int)strlen(text);
    const char *sign = d < 0 ? "-" : "";
    if (n <= point && point <= 21) return str_printf(a, "%s%s%.*s", sign, text, point - n, "00000000000000000000");
    if (0 < point && point <= 21) return str_printf(a, "%s%.*s.%s", sign, point, text, text + point);
    if (-6 < point && point <= 0) return str_printf(a, "%s0.%.*s%s", sign, -point, "00000", text);
    return str_printf(a, "%s%.1s%s%se%c%d", sign, text, n > 1 ? "." : "", text + 1, point > 0 ? '+' : '-', abs(point - 1));
}

/* Values can share parts, so that a small one may have very many items in all: the text's own limit ends the walk, as each
 * further item costs a comma. */
static bool join(struct run *r, const struct node *n, struct buf *b, const struct json *v, int depth) {
    switch (v->type) {
    case JSON_NULL: return true;
    case JSON_BOOL: buf_z(b, v->boolean ? "true" : "false"); break;
    case JSON_NUMBER:
        if (!run_spend(r, n, NUMBER_TEXT_STEPS)) return false;
        buf_add(b, js_number_to_text(r->arena, v->number));
        break;
    case JSON_STRING: buf_add(b, v->string); break;
    case JSON_OBJECT: buf_z(b, "[object Object]"); break;
    case JSON_ARRAY:
        if (depth == EXPR_DEPTH_MAX) return run_stop(r, n, "an array nested too deep to be a text");
        for (uint32_t i = 0; i < v->n && !b->overflow; i++) {
            if (i > 0) buf_c(b, ',');
            if (!join(r, n, b, &v->items[i], depth + 1)) return false;
        }
    }
    return true;
}

bool js_text(struct run *r, const struct node *n, const struct json *v, enum js_null null, struct str *out) {
    switch (v->type) {
    case JSON_NULL: *out = null == JS_NULL_EMPTY ? STR("") : STR("null"); return true;
    case JSON_BOOL: *out = v->boolean ? STR("true") : STR("false"); return true;
    case JSON_NUMBER: *out = js_number_to_text(r->arena, v->number); return run_spend(r, n, NUMBER_TEXT_STEPS);
    case JSON_STRING: *out = v->string; return true;
    case JSON_OBJECT: *out = STR("[object Object]"); return true;
    case JSON_ARRAY: break;
    }
    struct buf b = buf_new(r->arena, EXPR_STRING_MAX);
    if (!join(r, n, &b, v, 0)) return false;
    if (!buf_ok(&b)) return run_stop(r, n, "a text longer than an expression may make");
    *out = buf_str(&b);
    return run_spend(r, n, out->n / BYTES_PER_STEP);
}

bool js_number(struct run *r, const struct node *n, const struct json *v, double *out) {
    struct str text;
    switch (v->type) {
    case JSON_NULL: *out = 0; return true;
    case JSON_BOOL: *out = v->boolean; return true;
    case JSON_NUMBER: *out = v->number; return true;
    case JSON_STRING: *out = js_text_to_number(r->arena, v->string); return run_spend(r, n, v->string.n / BYTES_PER_STEP);
    case JSON_OBJECT: *out = NAN; return true;
    case JSON_ARRAY: break;
    }
    if (!js_text(r, n, v, JS_NULL_EMPTY, &text)) return false;
    *out = js_text_to_number(r->arena, text);
    return true;
}

static bool is_scalar(const struct json *v) { return v->type != JSON_ARRAY && v->type != JSON_OBJECT; }

bool js_strict_equal(const struct json *a, const struct json *b) {
    if (a->type != b->type) return false;
    switch (a->type) {
    case JSON_NULL: return true;
    case JSON_BOOL: return a->boolean == b->boolean;
    case JSON_NUMBER: return a->number == b->number;
    case JSON_STRING: return str_eq(a->string, b->string);
    case JSON_ARRAY:
    case JSON_OBJECT: return false;
    }
    NEVER("a JSON type");
}

bool js_loose_equal(struct run *r, const struct node *n, const struct json *a, const struct json *b, bool *out) {
    if (a->type == b->type || (!is_scalar(a) && !is_scalar(b)) || a->type == JSON_NULL || b->type == JSON_NULL) {
        *out = js_strict_equal(a, b);
        return true;
    }
    struct json as_text;
    const struct json *scalar = is_scalar(a) ? a : b, *other = scalar == a ? b : a;
    if (!is_scalar(other)) { /* an array or object becomes its text */
        struct str text;
        if (!js_text(r, n, other, JS_NULL_EMPTY, &text)) return false;
        as_text = json_text(text);
        other = &as_text;
    }
    if (scalar->type == JSON_STRING && other->type == JSON_STRING) {
        *out = str_eq(scalar->string, other->string);
        return true;
    }
    double x, y;
    if (!js_number(r, n, scalar, &x) || !js_number(r, n, other, &y)) return false;
    *out = x == y;
    return true;
}

bool js_compare(struct run *r, const struct node *n, const struct json *a, const struct json *b, enum js_order *out) {
    bool texts = (a->type == JSON_STRING || !is_scalar(a)) && (b->type == JSON_STRING || !is_scalar(b));
    if (texts) {
        struct str s, t;
        if (!js_text(r, n, a, JS_NULL_EMPTY, &s) || !js_text(r, n, b, JS_NULL_EMPTY, &t)) return false;
        int order = str_cmp(s, t);
        *out = order < 0 ? JS_LESS : order > 0 ? JS_GREATER : JS_SAME;
        return true;
    }
    double x, y;
    if (!js_number(r, n, a, &x) || !js_number(r, n, b, &y)) return false;
    *out = x < y ? JS_LESS : x > y ? JS_GREATER : x == y ? JS_SAME : JS_UNORDERED;
    return true;
}
