#include "cli/table.h"

#include "cli/text.h"

enum { GAP = 2, LONG_COLUMNS_MIN = 10, COLUMNS_MAX = 16 };

struct table table_of(struct arena *a, const struct column *columns, size_t n) {
    MUST(n > 0 && n <= COLUMNS_MAX);
    return (struct table){.a = a, .columns = columns, .n = n};
}

void table_add(struct table *t, struct str cell) {
    enum column_kind kind = t->columns[t->cells.n % t->n].kind;
    struct str plain = text_plain(t->a, kind == COLUMN_TIME ? text_time(t->a, cell) : cell);
    *LIST_PUSH(t->a, &t->cells) = plain.n > 0 ? plain : STR("-");
}

static bool is_list_of_texts(const struct json *v) {
    if (v->type != JSON_ARRAY) return false;
    for (uint32_t i = 0; i < v->n; i++) {
        if (v->items[i].type != JSON_STRING) return false;
    }
    return true;
}

static struct str joined(struct arena *a, const struct json *list) {
    struct buf b = buf_new(a, SIZE_MAX);
    for (uint32_t i = 0; i < list->n; i++) {
        if (i > 0) buf_z(&b, ", ");
        buf_add(&b, list->items[i].string);
    }
    return buf_str(&b);
}

void table_add_json(struct table *t, const struct json *v) {
    if (v == NULL || v->type == JSON_NULL) {
        table_add(t, STR("-"));
    } else if (v->type == JSON_STRING) {
        table_add(t, v->string);
    } else {
        table_add(t, is_list_of_texts(v) ? joined(t->a, v) : json_to_text(t->a, v));
    }
}

void table_add_rows(struct table *t, const struct json *rows) {
    for (uint32_t i = 0; rows != NULL && i < rows->n; i++) {
        for (size_t k = 0; k < t->n; k++) table_add_json(t, json_get(&rows->items[i], t->columns[k].key));
    }
}

/* ---- writing ---- */

static void measure(const struct table *t, const struct table_style *style, size_t *widths) {
    size_t all = style->indent + GAP * (t->n - 1);
    for (size_t k = 0; k < t->n; k++) {
        widths[k] = text_width(str_of(t->columns[k].title));
        for (size_t i = k; i < t->cells.n; i += t->n) {
            size_t w = text_width(t->cells.items[i]);
            if (w > widths[k]) widths[k] = w;
        }
        all += widths[k];
    }
    for (size_t k = 0; k < t->n && style->columns > 0 && all > style->columns; k++) {
        size_t over = all - style->columns;
        if (t->columns[k].kind != COLUMN_LONG || widths[k] <= LONG_COLUMNS_MIN) continue;
        widths[k] = widths[k] > over + LONG_COLUMNS_MIN ? widths[k] - over : LONG_COLUMNS_MIN;
        return;
    }
}

static void put_spaces(struct buf *out, size_t n) {
    for (size_t i = 0; i < n; i++) buf_c(out, ' ');
}

/* Nothing stands behind the last cell: a line that is copied has no spaces at its end. */
static void put_row(const struct table *t, const struct table_style *style, const struct str *cells, const size_t *widths,
                    struct buf *out) {
    put_spaces(out, style->indent);
    for (size_t k = 0; k < t->n; k++) {
        struct str cell = t->columns[k].kind == COLUMN_LONG ? text_cut(t->a, cells[k], widths[k]) : cells[k];
        size_t space = widths[k] - text_width(cell);
        bool right = t->columns[k].kind == COLUMN_NUMBER;
        if (right) put_spaces(out, space);
        buf_add(out, cell);
        if (k + 1 < t->n) put_spaces(out, right ? GAP : space + GAP);
    }
}

void table_write(const struct table *t, const struct table_style *style, struct buf *out) {
    size_t widths[COLUMNS_MAX];
    struct str titles[COLUMNS_MAX];
    MUST(t->cells.n % t->n == 0);
    if (t->cells.n == 0) {
        put_spaces(out, style->indent);
        buf_f(out, "%s\n", style->none);
        return;
    }
    measure(t, style, widths);
    for (size_t k = 0; k < t->n; k++) titles[k] = str_of(t->columns[k].title);
    struct buf head = buf_new(t->a, SIZE_MAX);
    put_row(t, style, titles, widths, &head);
    colour_add(out, style->colours, COLOUR_BOLD, buf_str(&head));
    buf_c(out, '\n');
    for (size_t i = 0; i < t->cells.n; i += t->n) {
        put_row(t, style, &t->cells.items[i], widths, out);
        buf_c(out, '\n');
    }
}
