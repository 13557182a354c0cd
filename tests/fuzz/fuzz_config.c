/* Any bytes as a configuration: refused with a fault, or compiled to a program whose stored texts compile to the same. The settings'
 * numbers are given as a service gives them. */
#include <stdlib.h>

#include "base/limits.h"
#include "engine/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct program *compile(struct arena *a, const struct json *list, struct definition *definitions, size_t n, struct faults *faults) {
    struct code_number *codes;
    size_t n_codes;
    struct program *p;
    config_codes(a, definitions, n, &codes, &n_codes);
    for (size_t i = 0; i < n_codes; i++) codes[i].no = (uint16_t)(n_codes - i);
    struct compile_in in = {
        .tenant = {1}, .version = 1, .list = list, .definitions = definitions, .n_definitions = n, .codes = codes, .n_codes = n_codes};
    size_t before = faults->list.n + faults->more;
    enum problem problem = program_compile(a, &in, &p, faults);
    if ((problem == P_OK) != (p != NULL)) abort();
    if ((problem == P_OK) != (faults->list.n + faults->more == before)) abort();
    return p;
}

static void check_program(const struct program *p) {
    if (p->hot_worst > HOT_BYTES_MAX || p->cold_worst > COLD_BYTES_MAX || p->rounds_worst < 1 || !p->zone) abort();
    for (size_t i = 0; i < p->n_rules; i++) {
        const struct rule *rule = &p->rules[i];
        if (program_rule_no(p, rule->no) != rule || (rule->n_grants == 0 && rule->n_counts == 0)) abort();
        for (size_t k = 0; k < rule->n_on; k++)
            if (!program_type(p, rule->on[k])) abort();
        for (size_t k = 0; k < rule->n_grants; k++)
            if (program_currency_no(p, rule->grants[k].currency->no) != rule->grants[k].currency) abort();
    }
    for (size_t i = 0; i < p->n_ladders; i++)
        for (size_t k = 0; k < p->ladders[i].n_levels; k++)
            if (ladder_index(&p->ladders[i], p->ladders[i].levels[k].at) != k) abort();
}

/* What is stored is read again, and is the same. */
static void check_stored(struct arena *a, const struct definition *definitions, size_t n, const struct program *first) {
    struct definition *stored = NEW_ARRAY(a, struct definition, n);
    struct faults faults = faults_new(a);
    for (size_t i = 0; i < n; i++) {
        struct json v;
        struct str text = definition_text(a, &definitions[i]);
        if (json_parse(a, text, &v, &faults) != P_OK) abort();
        if (config_definition(a, &v, STR(""), &stored[i], &faults) != P_OK) abort();
        if (!str_eq(definition_text(a, &stored[i]), text)) abort();
    }
    const struct program *again = compile(a, NULL, stored, n, &faults);
    if (!again || again->n_rules != first->n_rules || again->hot_worst != first->hot_worst) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct arena *a = arena_new();
    struct faults faults = faults_new(a);
    struct json v;
    struct definition *definitions;
    size_t n_definitions;
    if (json_parse(a, (struct str){(const char *)data, n}, &v, &faults) == P_OK) {
        const struct json *list = json_get(&v, "definitions");
        if (!list) list = &v;
        enum problem split = config_split(a, list, STR("/definitions"), &definitions, &n_definitions, &faults);
        if (split != P_OK && !faults.list.n) abort();
        const struct program *p = compile(a, list, definitions, n_definitions, &faults);
        if (p && split == P_OK) { /* else it is only compiled for its faults */
            check_program(p);
            check_stored(a, definitions, n_definitions, p);
        }
    }
    arena_free(&a);
    return 0;
}
