/* engine/kinds.h: what the kinds of definitions share while a program is compiled. Private to config.c, program.c, check.c, kinds.c
 * and the kind_*.c files.
 *
 * First every definition is read by its kind's shape into a form, then all of them are declared in the program with code and
 * number, so that they can refer to each other in any order, then each is compiled from its form. */
#ifndef ENGINE_KINDS_H
#define ENGINE_KINDS_H

#include "base/limits.h"
#include "engine/config.h"

struct drafted { /* one definition on its way into the program */
    const struct definition *definition;
    const struct kind_row *kind;
    void *form; /* the struct of the kind's shape, with defaults where the shape was wrong; NULL: more was wrong than can be told */
    size_t faults_from, faults_to; /* of its shape, in the list of all faults */
};

struct compiling {
    struct arena *a;
    const struct compile_in *in;
    struct faults *faults;        /* where a fault is added; while a definition is compiled, those of this one */
    const struct faults *all;     /* of the whole document */
    const struct drafted *draft;  /* the definition that is being compiled */
    struct code_number *unplaced; /* what definitions without a known kind could bring: codes ("": any) of kind 0, metrics they count */
    size_t n_unplaced;
    struct program *p;
    const struct code_number *numbers; /* in->codes by kind and code */
    const struct drafted *drafts;
    size_t n_drafts;
    /* the program's own arrays, by code; the rules get their order at the end */
    struct currency *currencies;
    struct metric *metrics;
    struct ladder *ladders;
    struct rule *rules;
};

extern const struct shape settings_shape, currency_shape, metric_shape, rule_shape, level_ladder_shape;
void settings_compile(struct compiling *c, const struct drafted *d);
void currency_compile(struct compiling *c, const struct drafted *d);
void metric_compile(struct compiling *c, const struct drafted *d);
void rule_compile(struct compiling *c, const struct drafted *d);
void level_ladder_compile(struct compiling *c, const struct drafted *d);

int definition_order(const void *a, const void *b); /* struct definition by kind and code */
int code_order(const void *a, const void *b);       /* struct code_number by kind and code */
/* An event's type is any text, not a code: CloudEvents types look like "com.example.call/v1". */
bool type_is_valid(const struct json *v);
size_t faults_so_far(const struct faults *f);
/* The problem of the first fault after the first `before`; those beyond FAULTS_MAX are only counted. P_OK: there is none. */
enum problem first_problem(const struct faults *f, size_t before);

/* Fields of a shape: where a value goes. */
#define AT(form, member)          .offset = offsetof(struct form, member), .present = NOT_TRACKED
#define AT_IF(form, member, flag) .offset = offsetof(struct form, member), .present = offsetof(struct form, flag)
/* The two that every definition begins with; the form has the members `kind` and `code`. */
#define FIELD_KIND(form, kind_names)                                                                                                       \
    { .name = "kind", .type = F_ENUM, .required = true, AT(form, kind), .names = kind_names, .doc = "What is defined." }
#define FIELD_CODE(form, must)                                                                                                             \
    { .name = "code", .type = F_CODE, .required = must, AT(form, code), .doc = "The tenant's own name for it, unique per kind." }
#define FIELD_NAME(form)                                                                                                                   \
    { .name = "name", .type = F_STRING, AT(form, name), .lo = 1, .hi = NAME_BYTES_MAX, .doc = "Shown to people." }
#define FIELD_ZONE(form)                                                                                                                   \
    {                                                                                                                                      \
        .name = "zone", .type = F_STRING, AT(form, zone), .lo = 1, .hi = ZONE_BYTES_MAX,                                                   \
        .doc = "Where its days begin: \"tenant\" (default), \"member\", or a name of the IANA database."                                   \
    }
#define SHAPE_FIELDS(list) .fields = list, .n_fields = COUNT(list)

/* Whether the shape found a fault at the place, above it or inside it: then nothing is concluded from what stands there. */
bool draft_misshapen(const struct compiling *c, const struct drafted *d, struct str pointer);
bool is_misshapen(const struct compiling *c, struct str pointer); /* of the definition that is being compiled */

/* References by code. NULL with a fault at `pointer` where there is nothing of that code; without one where a definition that is
 * itself broken may be the one meant. */
struct currency *currency_declared(const struct compiling *c, struct str code, struct str pointer);
struct metric *metric_declared(const struct compiling *c, struct str code, struct str pointer);
struct ladder *ladder_declared(const struct compiling *c, struct str code, struct str pointer);
/* The same without a fault: NULL where there is none. */
struct metric *metric_known(const struct compiling *c, struct str code);
struct ladder *ladder_known(const struct compiling *c, struct str code);
struct rule *rule_known(const struct compiling *c, struct str code);
/* Expressions name a metric's period by a suffix: no code may end like one. */
void metric_code_check(const struct compiling *c, struct str code, struct str pointer);
/* The period that `name` ends with, which is cut off; PERIOD_EVER: none. */
enum period_kind metric_period_cut(struct str *name);

/* "" is the tenant's zone. */
struct zone_ref zone_compile(const struct compiling *c, struct str text, struct str pointer);
/* NULL: no source, or faults. rand_n NULL: `rand` is refused. */
const struct expr *expression_compile(const struct compiling *c, const struct json *source, struct str pointer,
                                      const struct expr_names *names, uint32_t *rand_n);
struct expr_names rule_names(struct compiling *c); /* the variables of SEMANTICS 9 */

/* Pointers below a definition. */
struct str at_key(const struct compiling *c, struct str parent, const char *key);
struct str at_item(const struct compiling *c, struct str parent, const char *key, size_t index);

/* Grants (kind_grant.c), as rules and ladders have them. */
struct amount_form {
    int how;        /* as struct grant's; AMOUNT_FIXED is 0 */
    int64_t amount; /* fixed */
    int64_t low, high;
    const struct json *expr;
};
struct factor_form {
    const struct json *when;
    bool has_multiply, has_add;
    struct decimal multiply, add;
    struct str why;
};
struct grant_form {
    struct str currency;
    struct amount_form amount;
    struct shape_list factors; /* struct factor_form */
};
extern const struct shape grant_shape;       /* of rules */
extern const struct shape level_grant_shape; /* of ladders: fixed amounts, factors without conditions */
/* The grants of one list, which stands at `pointer`; each currency at most once. names and rand_n as for expressions. */
const struct grant *grants_compile(struct compiling *c, const struct shape_list *forms, struct str pointer, const struct expr_names *names,
                                   uint32_t *rand_n, uint8_t *n);

/* Checks across definitions (check.c). */
void check_amount(const struct compiling *c, const struct grant *g, struct str pointer);
void check_caps(const struct compiling *c);
void check_window(const struct compiling *c);
void check_program(const struct compiling *c); /* the whole of a program without faults: sizes and rounds; sets the worst cases */

#endif
