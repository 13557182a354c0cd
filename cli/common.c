#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

enum { PRINT_BYTES_MAX = 16 * 1024 * 1024 };

struct buf cli_buf(struct cli *c) {
    return buf_new(c->arena, PRINT_BYTES_MAX);
}

void cli_print(struct str text) {
    fwrite(text.p, 1, text.n, stdout);
    putchar('\n');
}

void cli_write(const struct buf *b) {
    MUST(buf_ok(b));
    fwrite(b->p, 1, b->n, stdout);
}

bool cli_read_back(struct cli *c, struct str text, struct json *out) {
    if (json_parse_wrapped(c->arena, text, out, &c->faults) == P_OK) return true;
    cli_print(text);
    return false;
}

void cli_table(struct cli *c, const struct column *columns, size_t n, const struct json *rows, const char *none) {
    struct table t = table_of(c->arena, columns, n);
    struct table_style style = {.columns = c->columns, .none = none, .colours = c->colours};
    struct buf b = cli_buf(c);
    table_add_rows(&t, rows);
    table_write(&t, &style, &b);
    cli_write(&b);
}

bool cli_tenant(struct cli *c, const char *code, struct tenant_row *out) {
    enum problem p = tenant_find(c->service, c->arena, str_of(code), out, &c->faults);
    if (p != P_OK) cli_refused(c, p);
    return p == P_OK;
}

bool cli_text(struct cli *c, const char *path, size_t max, const char *too_large, struct str *out) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "accolade: %s: %s\n", path, strerror(errno));
        return false;
    }
    char *text = arena_alloc(c->arena, max + 1);
    size_t n = fread(text, 1, max + 1, file);
    bool failed = ferror(file) != 0;
    if (file != stdin) fclose(file);
    if (failed || n > max) {
        fprintf(stderr, "accolade: %s: %s\n", path, failed ? "cannot be read" : too_large);
        return false;
    }
    *out = (struct str){text, n};
    return true;
}

bool cli_document(struct cli *c, const char *path, struct json *out) {
    struct str text;
    if (!cli_text(c, path, CONFIG_BYTES_MAX, "is larger than a configuration may be (1 MiB)", &text)) return false;
    enum problem p = json_parse(c->arena, text, out, &c->faults);
    if (p != P_OK) cli_refused(c, p);
    return p == P_OK;
}
