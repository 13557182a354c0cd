/* cli/table.h: tables that a person likes to read: columns as wide as they need to be, numbers to the right. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "base/json.h"
#include "base/str.h"

enum column_kind {
    COLUMN_TEXT,
    COLUMN_NUMBER, /* to the right */
    COLUMN_TIME,   /* without T, milliseconds and Z: the title says that it is UTC */
    COLUMN_LONG,   /* text that is cut where the terminal ends; one column at most, better the last */
};
struct column {
    const char *title;
    const char *key; /* of the rows' objects, for table_add_rows; else NULL */
    enum column_kind kind;
};
struct table {
    struct arena *a;
    const struct column *columns;
    size_t n;
    LIST(struct str) cells; /* row by row */
};
struct table table_of(struct arena *a, const struct column *columns, size_t n);
void table_add(struct table *t, struct str cell);              /* the next cell */
void table_add_json(struct table *t, const struct json *v);    /* NULL or null: "-"; a list of texts: with commas between */
void table_add_rows(struct table *t, const struct json *rows); /* an array of objects: a row each, by the columns' keys */

/* columns 0: no line is cut. Every line begins with `indent` spaces. A table without rows is `none` alone. */
struct table_style {
    size_t columns, indent;
    const char *none;
    bool colours; /* the titles bold */
};
void table_write(const struct table *t, const struct table_style *style, struct buf *out);

#endif
