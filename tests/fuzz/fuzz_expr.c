/* Any [expression, data] that is JSON: compiled or refused with pointers, run within its limits, twice with the same result. */
#include <stdlib.h>

#include "base/limits.h"
#include "engine/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { RUN_BYTES_MAX = 64 << 20 }; /* what the steps of one run can allocate, with room to spare */

static bool known(void *ctx, struct str name, const char **why) {
    (void)ctx;
    *why = "is not known";
    return str_starts(name, "event.");
}

static void check(bool holds) {
    if (!holds) abort();
}

static void compile_strictly(struct arena *a, const struct json *source) {
    struct expr_names names = {.known = known};
    struct faults faults = faults_new(a);
    struct expr *e;
    enum problem p = expr_compile(a, source, STR("/when"), &names, NULL, &e, &faults);
    check((p == P_OK) == (faults.list.n == 0) && (p == P_OK) == (e != NULL));
    for (size_t i = 0; i < faults.list.n; i++) check(str_starts(faults.list.items[i].pointer, "/when"));
}

static void run(struct arena *a, const struct json *source, const struct json *data, const struct expr *e) {
    static const struct key32 key = {{1}};
    struct expr_scope scope = {
        .ctx = (void *)(uintptr_t)data, .lookup = expr_json_lookup, .random_key = &key, .source = STR("s"), .id = STR("i")};
    struct expr_stop why[2] = {{0}}, stopped;
    struct json value[2];
    bool passed;
    uint16_t failing = 0;
    size_t before = arena_used(a);
    enum expr_result first = expr_eval(e, &scope, a, &value[0], &why[0]);
    check(arena_used(a) - before <= RUN_BYTES_MAX);
    check(expr_eval(e, &scope, a, &value[1], &why[1]) == first);
    struct str pointer = expr_place_pointer(a, source, STR("/when"), why[0].place);
    check(str_starts(pointer, "/when") && why[0].place == why[1].place);
    check(str_eq(json_to_text(a, &value[0]), json_to_text(a, &value[1])));
    enum expr_result tested = expr_test(e, &scope, a, &passed, &failing, &stopped);
    if (first == EXPR_OK) check(tested == EXPR_OK && passed == expr_truthy(&value[0]) && failing < EXPR_NODES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct arena *a = arena_new();
    struct faults faults = faults_new(a);
    struct json input;
    struct expr *e;
    uint32_t rands = 0;
    if (json_parse(a, (struct str){(const char *)data, n}, &input, &faults) == P_OK && input.type == JSON_ARRAY && input.n == 2) {
        compile_strictly(a, &input.items[0]);
        if (expr_compile(a, &input.items[0], STR(""), NULL, &rands, &e, &faults) == P_OK) run(a, &input.items[0], &input.items[1], e);
    }
    arena_free(&a);
    return 0;
}
