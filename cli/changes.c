#include "cli/changes.h"

#include "cli/diff.h"
#include "cli/text.h"

enum { CONTEXT_LINES = 3 };

static void put_line(struct cli *c, const struct diff_line *line, struct buf *out) {
    static const struct {
        const char *sign;
        enum colour colour;
    } marks[] = {[DIFF_SAME] = {"    ", COLOUR_NONE},
                 [DIFF_REMOVED] = {"  - ", COLOUR_RED},
                 [DIFF_ADDED] = {"  + ", COLOUR_GREEN},
                 [DIFF_SKIPPED] = {"    ", COLOUR_DIM}};
    struct str text = str_printf(c->arena, "%s" STR_FMT, marks[line->mark].sign, STR_ARG(line->text));
    colour_add(out, c->colours, marks[line->mark].colour, text);
    buf_c(out, '\n');
}

/* NULL: there is none. */
static void put_diff(struct cli *c, const struct json *before, const struct json *after, struct buf *out) {
    struct lines old = {0}, new = {0};
    struct diff diff = {0};
    if (before != NULL) json_lines(c->arena, before, &old);
    if (after != NULL) json_lines(c->arena, after, &new);
    diff_lines(c->arena, &old, &new, CONTEXT_LINES, &diff);
    for (size_t i = 0; i < diff.n; i++) put_line(c, &diff.items[i], out);
}

static const struct json *parsed(struct cli *c, struct str text) {
    struct json *v = NEW(c->arena, struct json);
    if (text.n == 0) return NULL;
    if (json_parse(c->arena, text, v, &c->faults) != P_OK) *v = json_text(text);
    return v;
}

void put_change(struct cli *c, const struct config_change *x, struct buf *out) {
    static const struct {
        char sign;
        enum colour colour;
    } heads[] = {[CHANGE_CREATED] = {'+', COLOUR_GREEN}, [CHANGE_CHANGED] = {'~', COLOUR_YELLOW}, [CHANGE_DELETED] = {'-', COLOUR_RED}};
    struct str head = str_printf(c->arena, "%c " STR_FMT " " STR_FMT " is %s", heads[x->what].sign, STR_ARG(x->kind), STR_ARG(x->code),
                                 change_made_name(x->what));
    colour_add(out, c->colours, heads[x->what].colour, text_plain(c->arena, head));
    buf_c(out, '\n');
    put_diff(c, parsed(c, x->before), parsed(c, x->after), out);
}

/* ---- history ---- */

static int64_t number_of(const struct json *row, const char *key) {
    const struct json *v = json_get(row, key);
    return v != NULL && v->type == JSON_NUMBER ? (int64_t)v->number : 0;
}

static void put_version(struct cli *c, int64_t version, enum colour colour, const char *what, struct buf *out) {
    colour_add(out, c->colours, colour, str_printf(c->arena, "version %lld: %s", (long long)version, what));
    buf_c(out, '\n');
}

void put_history(struct cli *c, const struct json *data, struct buf *out) {
    int64_t newer = 0; /* the version of the row before this one in the list */
    for (uint32_t i = 0; i < data->n; i++) {
        const struct json *row = &data->items[i], *older = i + 1 < data->n ? row + 1 : NULL;
        int64_t version = number_of(row, "version"), until = number_of(row, "until");
        bool follows = older != NULL && number_of(older, "until") == version;
        if (until != 0 && until != newer) {
            put_version(c, until, COLOUR_RED, "deleted", out);
            buf_c(out, '\n');
        }
        put_version(c, version, follows ? COLOUR_YELLOW : COLOUR_GREEN, follows ? "changed" : "created", out);
        put_diff(c, follows ? json_get(older, "definition") : NULL, json_get(row, "definition"), out);
        if (older != NULL) buf_c(out, '\n');
        newer = version;
    }
}
