/* Any bytes as the clear and the sealed part of an outcome: what is accepted is what the encoder writes, and can be rendered. */
#include <stdlib.h>

#include "engine/outcome.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void render(struct arena *a, const struct outcome *o) {
    if (o->change == CHANGE_MEMBER) return; /* answered by the member as it then stands */
    static const struct code_number codes[] = {{CODE_CURRENCY, 1, {"points", 6}}};
    static const struct rule rule = {.no = 1, .ends_at = INT64_MAX}, *const rules[] = {&rule};
    struct program p = {.version = o->config_version, .codes = codes, .n_codes = 1, .rules = &rule, .rules_by_no = rules, .n_rules = 1};
    struct buf b = buf_new(a, SIZE_MAX);
    struct json_writer w = json_writer_of(&b);
    if (o->change == CHANGE_ADJUSTMENT) {
        adjustment_render(&w, a, o, &p, STR("m"), STR("r"), STR(""));
    } else {
        outcome_render(&w, a, o, &p, STR("m"), STR("s"), STR("i"), false);
    }
    struct json v;
    struct faults faults = faults_new(a);
    enum problem parsed = json_parse(a, buf_str(&b), &v, &faults);
    if (parsed != P_OK && parsed != P_NUMBER) abort(); /* amounts that the engine would never give may be beyond 2^53 */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct arena *a = arena_new();
    struct str text = {(const char *)data, n};
    struct outcome o;
    if (outcome_decode(a, text, &o)) {
        if (!str_eq(outcome_encode(a, &o), text)) abort();
        render(a, &o);
    }
    struct sealed s;
    if (sealed_decode(a, text, &s) && !str_eq(sealed_encode(a, &s), text)) abort();
    arena_free(&a);
    return 0;
}
