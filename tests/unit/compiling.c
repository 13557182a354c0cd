#include "tests/unit/compiling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"

const struct json *json_of_text(struct arena *a, struct str text) {
    struct json *v = NEW(a, struct json);
    struct faults faults = faults_new(a);
    if (json_parse(a, text, v, &faults) != P_OK)
        fail_msg("no JSON: " STR_FMT "\n" STR_FMT, STR_ARG(faults.list.items[0].detail), STR_ARG(text));
    return v;
}

const struct json *json_of_file(struct arena *a, const char *path) {
    char *text = arena_alloc(a, CONFIG_BYTES_MAX);
    FILE *f = fopen(path, "r");
    if (!f) fail_msg("%s cannot be opened", path);
    size_t n = fread(text, 1, CONFIG_BYTES_MAX, f);
    fclose(f);
    return json_of_text(a, (struct str){text, n});
}

struct compiled *document_compile(struct arena *a, const struct json *document, struct compile_in in) {
    struct compiled *c = NEW(a, struct compiled);
    uint16_t last[CODE__MAX] = {0};
    c->faults = faults_new(a);
    c->problem = config_split(a, json_get(document, "definitions"), STR("/definitions"), &c->definitions, &c->n, &c->faults);
    config_codes(a, c->definitions, c->n, &c->codes, &c->n_codes);
    for (size_t i = 0; i < c->n_codes; i++) c->codes[i].no = ++last[c->codes[i].kind];
    in.tenant.v = 4;
    in.version = 7;
    in.list = json_get(document, "definitions");
    in.definitions = c->definitions;
    in.n_definitions = c->n;
    in.codes = c->codes;
    in.n_codes = c->n_codes;
    if (in.zone_before.n) {
        struct code_number *more = NEW_ARRAY(a, struct code_number, c->n_codes + 1);
        for (size_t i = 0; i < c->n_codes; i++) more[i] = c->codes[i];
        more[c->n_codes] = (struct code_number){.kind = CODE_ZONE, .no = 9, .code = in.zone_before};
        in.codes = more;
        in.n_codes++;
    }
    enum problem p = program_compile(a, &in, &c->program, &c->faults);
    if (c->problem == P_OK) c->problem = p;
    if (c->problem != P_OK) c->program = NULL; /* what was split off may be good */
    return c;
}

struct compiled *document_good(struct arena *a, const struct json *document) {
    struct compiled *c = document_compile(a, document, (struct compile_in){0});
    if (c->problem != P_OK)
        fail_msg(STR_FMT ": " STR_FMT, STR_ARG(c->faults.list.items[0].pointer), STR_ARG(c->faults.list.items[0].detail));
    assert_int_equal(c->faults.list.n, 0);
    assert_non_null(c->program);
    return c;
}

const struct program *program_of_file(struct arena *a, const char *path) { return document_good(a, json_of_file(a, path))->program; }

const struct json *document_of(struct arena *a, const char *definitions) {
    return json_of_text(a, str_printf(a, "{\"definitions\":[%s]}", definitions));
}

const struct program *program_of_text(struct arena *a, const char *definitions) {
    return document_good(a, document_of(a, definitions))->program;
}
