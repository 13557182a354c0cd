#include "cli/diff.h"

#include "cli/text.h"

enum {
    LINE_COLUMNS = 76,         /* what is not longer stays on one line */
    TABLE_CELLS_MAX = 4000000, /* about 2,000 lines against 2,000 */
};

/* ---- as lines ---- */

static void put_key(struct buf *b, struct str key) {
    struct json_writer w = json_writer_of(b);
    json_put_str(&w, key);
    buf_z(b, ": ");
}

static bool is_open(const struct json *v) { return (v->type == JSON_OBJECT || v->type == JSON_ARRAY) && v->n > 0; }

/* {"currency": "points", "amount": 10} */
static void put_flat(struct buf *b, const struct json *v) {
    struct json_writer w = json_writer_of(b);
    if (!is_open(v)) {
        json_put_value(&w, v);
        return;
    }
    bool object = v->type == JSON_OBJECT;
    buf_c(b, object ? '{' : '[');
    for (uint32_t i = 0; i < v->n; i++) {
        if (i > 0) buf_z(b, ", ");
        if (object) put_key(b, v->members[i].key);
        put_flat(b, object ? &v->members[i].value : &v->items[i]);
    }
    buf_c(b, object ? '}' : ']');
}

static struct buf new_line(struct arena *a, size_t indent) {
    struct buf b = buf_new(a, SIZE_MAX);
    for (size_t i = 0; i < indent; i++) buf_c(&b, ' ');
    return b;
}

static void end_line(struct arena *a, struct lines *out, struct buf *b, const char *end) {
    buf_z(b, end);
    *LIST_PUSH(a, out) = text_plain(a, buf_str(b));
}

/* A value that fits on the line that has been begun, with what stands in front of it and behind. The outermost is always opened. */
static bool put_whole(struct buf *line, size_t indent, const struct json *v, const char *end) {
    size_t begun = line->n;
    if (is_open(v) && indent == 0) return false;
    put_flat(line, v);
    if (!is_open(v) || text_width(buf_str(line)) + strlen(end) <= LINE_COLUMNS) return true;
    line->n = begun;
    return false;
}

static void put_lines(struct arena *a, struct lines *out, size_t indent, const struct str *key, const struct json *v, const char *end) {
    struct buf b = new_line(a, indent);
    bool object = v->type == JSON_OBJECT;
    if (key != NULL) put_key(&b, *key);
    if (put_whole(&b, indent, v, end)) {
        end_line(a, out, &b, end);
        return;
    }
    end_line(a, out, &b, object ? "{" : "[");
    for (uint32_t i = 0; i < v->n; i++) {
        const struct json *value = object ? &v->members[i].value : &v->items[i];
        put_lines(a, out, indent + 2, object ? &v->members[i].key : NULL, value, i + 1 < v->n ? "," : "");
    }
    b = new_line(a, indent);
    buf_c(&b, object ? '}' : ']');
    end_line(a, out, &b, end);
}

void json_lines(struct arena *a, const struct json *v, struct lines *out) { put_lines(a, out, 0, NULL, v, ""); }

/* ---- compared ---- */

static bool is_same(struct str x, struct str y) {
    if (x.n > 0 && x.p[x.n - 1] == ',') x.n--;
    if (y.n > 0 && y.p[y.n - 1] == ',') y.n--;
    return str_eq(x, y);
}

static void add(struct arena *a, struct diff *out, enum diff_mark mark, struct str text) {
    *LIST_PUSH(a, out) = (struct diff_line){mark, text};
}

static void add_all(struct arena *a, struct diff *out, enum diff_mark mark, const struct str *lines, size_t n) {
    for (size_t i = 0; i < n; i++) add(a, out, mark, lines[i]);
}

/* The longest common subsequence of what lies between the common beginning and the common end. */
static void compare(struct arena *a, const struct str *x, size_t n, const struct str *y, size_t m, struct diff *out) {
    if (n > 0 && m > TABLE_CELLS_MAX / (n + 1)) {
        add_all(a, out, DIFF_REMOVED, x, n);
        add_all(a, out, DIFF_ADDED, y, m);
        return;
    }
    size_t width = m + 1;
    uint32_t *best = NEW_ARRAY(a, uint32_t, (n + 1) * width); /* [i][j]: of x from i and y from j on */
    for (size_t i = n; i-- > 0;) {
        for (size_t j = m; j-- > 0;) {
            uint32_t down = best[(i + 1) * width + j], right = best[i * width + j + 1];
            best[i * width + j] = is_same(x[i], y[j]) ? best[(i + 1) * width + j + 1] + 1 : down > right ? down : right;
        }
    }
    size_t i = 0, j = 0;
    while (i < n || j < m) {
        if (i < n && j < m && is_same(x[i], y[j])) {
            add(a, out, DIFF_SAME, y[j++]);
            i++;
        } else if (j == m || (i < n && best[(i + 1) * width + j] >= best[i * width + j + 1])) {
            add(a, out, DIFF_REMOVED, x[i++]);
        } else {
            add(a, out, DIFF_ADDED, y[j++]);
        }
    }
}

/* Leaves `context` lines of what is the same around what is not. */
static void skip(struct arena *a, const struct diff *all, size_t context, struct diff *out) {
    bool *kept = NEW_ARRAY(a, bool, all->n);
    for (size_t i = 0; i < all->n; i++) {
        if (all->items[i].mark == DIFF_SAME) continue;
        size_t from = i > context ? i - context : 0;
        for (size_t k = from; k <= i + context && k < all->n; k++) kept[k] = true;
    }
    for (size_t i = 0; i < all->n; i++) {
        bool lonely = !kept[i] && (i == 0 || kept[i - 1]) && (i + 1 == all->n || kept[i + 1]); /* a mark would take as much room */
        if (kept[i] || lonely) {
            add(a, out, all->items[i].mark, all->items[i].text);
        } else if (i == 0 || kept[i - 1]) {
            add(a, out, DIFF_SKIPPED, STR("…"));
        }
    }
}

void diff_lines(struct arena *a, const struct lines *before, const struct lines *after, size_t context, struct diff *out) {
    struct diff all = {0};
    size_t n = before->n, m = after->n, head = 0, tail = 0;
    while (head < n && head < m && is_same(before->items[head], after->items[head])) head++;
    while (tail < n - head && tail < m - head && is_same(before->items[n - 1 - tail], after->items[m - 1 - tail])) tail++;
    add_all(a, &all, DIFF_SAME, after->items, head);
    compare(a, before->items + head, n - head - tail, after->items + head, m - head - tail, &all);
    add_all(a, &all, DIFF_SAME, after->items + (m - tail), tail);
    skip(a, &all, context, out);
}
