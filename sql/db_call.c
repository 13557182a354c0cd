#include "sql/db.h"

#include <string.h>

#include "sql/db_part.h"

/* How many letters stand before the group, and in it. */
static size_t singles_of(const struct statement *def) { return strcspn(def->in, "("); }
static size_t group_of(const struct statement *def) {
    const char *open = strchr(def->in, '(');
    return open ? strcspn(open + 1, ")") : 0;
}

struct call call_of(struct db *db, int statement, struct arena *a, size_t rows) {
    MUST(statement >= 0 && statement < STMT__MAX);
    const struct statement *def = &statements[statement];
    struct call_args *args = NEW(a, struct call_args);
    args->cells.cap = singles_of(def) + group_of(def) * rows;
    args->cells.items = NEW_ARRAY(a, struct cell, args->cells.cap);
    return (struct call){.db = db, .arena = a, .def = def, .rows = rows, .args = args, .result = NEW(a, struct call_result)};
}

static char letter_at(const struct statement *def, size_t i) {
    size_t singles = singles_of(def), group = group_of(def);
    if (i < singles) return def->in[i];
    MUST(group);
    return def->in[singles + 1 + (i - singles) % group];
}

static struct cell *next_argument(struct call *c, const char *letters) {
    char letter = letter_at(c->def, c->args->cells.n);
    MUST(strchr(letters, letter));
    struct cell *cell = LIST_PUSH(c->arena, &c->args->cells);
    cell->letter = letter;
    return cell;
}

void call_i64(struct call *c, int64_t v) { next_argument(c, "i")->i = v; }
void call_u64(struct call *c, uint64_t v) { next_argument(c, "um")->u = v; }
void call_u32(struct call *c, uint32_t v) { next_argument(c, "tu")->u = v; }
void call_bytes(struct call *c, struct str v) { next_argument(c, "bs")->s = v.p ? v : STR(""); }
void call_null(struct call *c) {
    struct cell *cell = next_argument(c, "bs");
    cell->null = true;
    cell->s = STR("");
}

/* The largest prepared form that is full, for what is inserted; for look-ups the smallest into which all fit. */
static size_t form_rows(const struct statement *def, size_t left) {
    if (strncmp(def->text, "INSERT", 6) == 0) {
        if (left <= GROUP_EXACT_MAX) return left;
        return left >= GROUP_ROWS_MAX ? GROUP_ROWS_MAX : left >= 64 ? 64 : left >= 32 ? 32 : GROUP_EXACT_MAX;
    }
    size_t rows = 1;
    while (rows < left && rows < 64) rows *= 2;
    return left > rows ? GROUP_ROWS_MAX : rows;
}

/* Runs rows from … of the group; *done is how many that were. */
static enum db_result run_some(struct call *c, size_t from, size_t *done) {
    const struct cell *all = c->args->cells.items;
    size_t singles = singles_of(c->def), group = group_of(c->def);
    size_t left = c->rows - from, rows = form_rows(c->def, left), n = singles + rows * group;
    *done = left < rows ? left : rows;
    const struct cell *args = all;
    if (n != c->args->cells.n) {
        struct cell *some = NEW_ARRAY(c->arena, struct cell, n);
        memcpy(some, all, singles * sizeof *some);
        for (size_t i = 0; i < rows; i++) {
            size_t row = from + (i < *done ? i : *done - 1); /* the last key again */
            memcpy(some + singles + i * group, all + singles + row * group, group * sizeof *some);
        }
        args = some;
    }
    return db_execute(c->db, c->arena, c->def, rows, args, n, c->result, &c->affected);
}

enum db_result call_run(struct call *c) {
    size_t singles = singles_of(c->def), group = group_of(c->def);
    if (group && c->rows == 0) return DB_OK;
    MUST(c->args->cells.n == singles + group * (group ? c->rows : 0));
    if (!group) return db_execute(c->db, c->arena, c->def, 1, c->args->cells.items, singles, c->result, &c->affected);
    enum db_result r = DB_OK;
    for (size_t from = 0, done; !r && from < c->rows; from += done) r = run_some(c, from, &done);
    return r;
}

size_t call_count(const struct call *c) { return c->result->rows; }

bool call_next(struct call *c) {
    size_t columns = strlen(c->def->out);
    MUST(c->column == c->at * columns); /* the row before was read to its end */
    if (c->at == c->result->rows) return false;
    c->at++;
    return true;
}

static const struct cell *next_column(struct call *c, const char *letters) {
    MUST(c->column < c->at * strlen(c->def->out));
    const struct cell *cell = &c->result->cells.items[c->column++];
    MUST(strchr(letters, cell->letter));
    return cell;
}

int64_t col_i64(struct call *c) { return next_column(c, "i")->i; }
uint64_t col_u64(struct call *c) { return next_column(c, "tmu")->u; }
struct str col_bytes(struct call *c) {
    return next_column(c, "bs")->s;
}

enum db_result db_durable(struct db *db, struct arena *a, bool *out) {
    struct call c = call_of(db, STMT_DURABILITY, a, 1);
    enum db_result r = call_run(&c);
    if (r || !call_next(&c)) return r ? r : DB_NOT_FOUND;
    int64_t flush = col_i64(&c), binlog = col_i64(&c), sync = col_i64(&c);
    *out = flush == 1 && (!binlog || sync == 1);
    return DB_OK;
}
