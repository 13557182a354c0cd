/* engine/expr_node.h: the inside of expressions, for expr_*.c alone: nodes, the table of operators, one run, JavaScript's conversions. */
#ifndef ENGINE_EXPR_NODE_H
#define ENGINE_EXPR_NODE_H

#include "engine/expr.h"

struct node;
struct run;
struct frame { /* inside the body of map, filter …: what `var` sees instead of the scope */
    const struct json *item;
};

/* What the compiler has to know of an operator beyond its number of arguments. */
enum operation_kind { PLAIN, BODY, VAR, MISSING, MISSING_SOME, TIME, RAND };
enum { ANY_NUMBER = UINT16_MAX };

struct operation {
    const char *name;         /* NULL: not written as an operator (literals, lists) */
    uint16_t min, max;        /* arguments */
    enum operation_kind kind; /* BODY: the second argument is evaluated per item */
    bool folds;               /* made a constant where all arguments are */
    /* One of the two: on values, or on the node itself where not all arguments are evaluated, or not in this frame.
     * false: the run has stopped. */
    bool (*apply)(struct run *r, const struct node *n, const struct json *args, struct json *out);
    bool (*eval)(struct run *r, const struct node *n, const struct frame *f, struct json *out);
};
const struct operation *operation_find(struct str name); /* NULL: there is none */
extern const struct operation operation_constant, operation_list;
bool operation_is_and(const struct operation *o);

struct node {
    const struct operation *op;
    const struct node *kids;
    uint16_t n;
    uint16_t place;
    union {
        struct json value; /* operation_constant; a list's kids stay, for their places */
        struct {
            struct str name;
            bool literal; /* otherwise the name is computed */
        } var;
        struct {
            uint32_t n;
            int32_t low, high;
        } rand;
    };
};

struct expr {
    struct node root;
    uint32_t uses;
    LIST(struct str) names;
};

struct run {
    const struct expr_scope *scope;
    struct arena *arena;
    uint32_t steps, most; /* taken; how many it may take */
    struct expr_stop *why;
};
/* What an operator does costs steps beside that of its node, so that a step takes some tens of nanoseconds whatever it is for. */
enum {
    VALUES_PER_STEP = 8, /* names compared, items copied or walked over */
    BYTES_PER_STEP = 64,
    NUMBER_TEXT_STEPS = 16, /* a number as text: the shortest that reads back is searched for */
    RANDOM_STEPS = 32,      /* an HMAC */
};
struct run run_of(const struct expr_scope *scope, struct arena *a, struct expr_stop *why);
bool run_stop(struct run *r, const struct node *n, const char *what); /* false */
MUST_CHECK bool run_spend(struct run *r, const struct node *n, size_t steps);
MUST_CHECK bool run_node(struct run *r, const struct node *n, const struct frame *f, struct json *out);

/* Operators on nodes (expr_eval.c); the others are in expr_ops.c. */
bool eval_constant(struct run *r, const struct node *n, const struct frame *f, struct json *out);
bool eval_list(struct run *r, const struct node *n, const struct frame *f, struct json *out);
bool eval_var(struct run *r, const struct node *n, const struct frame *f, struct json *out);
bool eval_missing(struct run *r, const struct node *n, const struct frame *f, struct json *out);
bool eval_missing_some(struct run *r, const struct node *n, const struct frame *f, struct json *out);
bool eval_if(struct run *r, const struct node *n, const struct frame *f, struct json *out);
bool eval_and(struct run *r, const struct node *n, const struct frame *f, struct json *out);
bool eval_or(struct run *r, const struct node *n, const struct frame *f, struct json *out);
bool eval_filter(struct run *r, const struct node *n, const struct frame *f, struct json *out);
bool eval_map(struct run *r, const struct node *n, const struct frame *f, struct json *out);
bool eval_reduce(struct run *r, const struct node *n, const struct frame *f, struct json *out);
bool eval_all(struct run *r, const struct node *n, const struct frame *f, struct json *out);
bool eval_some(struct run *r, const struct node *n, const struct frame *f, struct json *out);
bool eval_none(struct run *r, const struct node *n, const struct frame *f, struct json *out);
bool eval_rand(struct run *r, const struct node *n, const struct frame *f, struct json *out);

/* JavaScript's conversions (expr_js.c). */
struct json js_bool(bool v);
double js_text_to_number(struct arena *a, struct str s); /* as Number(s); NaN where it is none */
double js_parse_float(struct arena *a, struct str s);    /* the number that s begins with; NaN */
struct str js_number_to_text(struct arena *a, double d); /* d is finite */
enum js_null { JS_NULL_TEXT, JS_NULL_EMPTY };            /* null as "null" (String) or "" (join) */
MUST_CHECK bool js_text(struct run *r, const struct node *n, const struct json *v, enum js_null null, struct str *out);
MUST_CHECK bool js_number(struct run *r, const struct node *n, const struct json *v, double *out);
bool js_strict_equal(const struct json *a, const struct json *b);
MUST_CHECK bool js_loose_equal(struct run *r, const struct node *n, const struct json *a, const struct json *b, bool *out);
enum js_order { JS_LESS, JS_SAME, JS_GREATER, JS_UNORDERED };
MUST_CHECK bool js_compare(struct run *r, const struct node *n, const struct json *a, const struct json *b, enum js_order *out);

#endif
