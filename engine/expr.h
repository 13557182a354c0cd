/* engine/expr.h: expressions (`when`, computed amounts, audiences): JsonLogic, compiled once and run with hard limits (DESIGN 4).
 *
 * An expression sees nothing but its scope. The meaning is JavaScript's, as the official JsonLogic tests have it, with these
 * borders, all on the strict side:
 *  - an object is always an operator with exactly one member; unknown operators and wrong numbers of arguments are refused when
 *    the expression is compiled;
 *  - arithmetic whose result is not a finite number (1/0, "abc" - 1, null + 1) stops the expression; so do the limits of
 *    base/limits.h: EXPR_STEPS_MAX, EXPR_STRING_MAX, EXPR_ARRAY_MAX. {"*":["5"]} is the number 5;
 *  - two arrays or objects are never equal (as two literals in JavaScript); texts are ordered and cut by Unicode characters, not by
 *    UTF-16 units, and have no items ("text.0" names nothing); the default of a `var` is evaluated only where it is needed.
 * Beyond the standard: floor, ceil, round (half away from zero), abs; hour and day_of_week (Monday 1 … Sunday 7) of a time in
 * milliseconds or as RFC 3339 text, {"hour":[]} for that of event.time; rand [low, high].
 *
 * One step is one evaluation of a node; a string that is made or searched costs one more per 64 bytes, an array that is made or
 * searched one more per 8 items, a member that is looked for in an item one more per 8 members. */
#ifndef ENGINE_EXPR_H
#define ENGINE_EXPR_H

#include "base/crypto/crypto.h"
#include "base/json.h"
#include "base/problem.h"
#include "base/zone.h"

struct expr; /* immutable; in the arena it was compiled into; keeps no pointer into its source */

/* Which variables there are. NULL instead: any (JsonLogic over plain JSON data). Names inside the bodies of map, filter, reduce, all,
 * some and none are relative to the item and not asked for; neither are computed names. */
struct expr_names {
    void *ctx;
    bool (*known)(void *ctx, struct str name, const char **why); /* false: *why is set, a literal that follows the name */
};

enum { EXPR_RAND_BOUND = 1000000000 }; /* ±10^9: of `rand` and of {"random":[low,high]} */

/* Compiles `source`, which stands at `pointer` in its document. Every fault is P_DEFINITION with the pointer of the place; all
 * faults of an expression are reported together. *rand_n counts every `rand` of the rule in document order, before folding
 * (ENCODINGS "Random amounts"): it is advanced here. rand_n NULL: `rand` is refused. */
MUST_CHECK enum problem expr_compile(struct arena *a, const struct json *source, struct str pointer, const struct expr_names *names,
                                     uint32_t *rand_n, struct expr **out, struct faults *faults);

/* What has to be loaded before the expression can run, by the names it uses at the root. */
enum expr_uses {
    EXPR_USES_EVENT = 1 << 0,       /* event.… */
    EXPR_USES_MEMBER_TYPE = 1 << 1, /* member.type */
    EXPR_USES_PROFILE = 1 << 2,     /* member.attributes.…, member.groups.… */
    EXPR_USES_LEVEL = 1 << 3,       /* member.level.… */
    EXPR_USES_METRIC = 1 << 4,      /* metric.… */
    EXPR_USES_PERIODS = 1 << 5,     /* a metric's name that ends with .day, .week or .month */
    EXPR_USES_STREAK = 1 << 6,      /* streak.… */
    EXPR_USES_COMPUTED = 1 << 7,    /* a var, missing or missing_some whose name is computed: it may be any */
    EXPR_USES_RAND = 1 << 8,
};
uint32_t expr_uses(const struct expr *e);
/* The names used at the root (var, missing, missing_some; event.time for an empty hour or day_of_week), each once. */
size_t expr_names_count(const struct expr *e);
struct str expr_name(const struct expr *e, size_t i);

/* What one run sees. */
struct expr_scope {
    void *ctx;
    /* The value under a dotted name; false: there is none (null, or the default of the var). *out lives as long as `a`. Adds to *work how
     * many names it compared, or as many as take the same time: so a run pays for what it looks up, whatever a client has sent. */
    bool (*lookup)(void *ctx, struct str name, struct arena *a, struct json *out, size_t *work);
    const struct key32 *random_key; /* NULL: `rand` stops the expression */
    struct str source, id, rule;    /* of the event and the rule: what `rand` is derived from */
    const struct zone *zone;        /* of hour and day_of_week; NULL: UTC */
    uint32_t *steps;                /* each run adds what it took; NULL: nobody counts */
    uint32_t steps_max;             /* of *steps: the run that would take more stops, and so does each one after it; 0: no bound */
};

enum expr_result { EXPR_OK, EXPR_FAULT };
struct expr_stop {
    const char *what; /* one clause, a literal: "the result is not a finite number" */
    uint16_t place;   /* of the node that stopped */
};

/* The value. It may point into the expression, the scope's data and `a`; it is at most EXPR_DEPTH_MAX deep and has at most
 * EXPR_STEPS_MAX values. On EXPR_FAULT *why is set and *out is null. */
MUST_CHECK enum expr_result expr_eval(const struct expr *e, const struct expr_scope *scope, struct arena *a, struct json *out,
                                      struct expr_stop *why);
/* The same for a condition: whether the value is truthy. When it is not, *failing is the part that says so: of an `and` the first
 * operand that is falsy (of that one again its part), otherwise the expression itself. */
MUST_CHECK enum expr_result expr_test(const struct expr *e, const struct expr_scope *scope, struct arena *a, bool *passed,
                                      uint16_t *failing, struct expr_stop *why);
bool expr_truthy(const struct json *v); /* as JsonLogic: false, null, 0, "" and [] are falsy, "0" and {} are not */

/* Places. The place of a value in an expression's source is its number when all values of the source (operators' objects, lists of
 * arguments, literals) are counted from 0 as they stand in the text. It is stored in outcomes: it depends on the definition
 * alone and never on how expressions are compiled. */
struct str expr_place_pointer(struct arena *a, const struct json *source, struct str pointer, uint16_t place);

/* Plain data: what lies in `root` under a dotted path of members and array indexes; "" is root itself. false: nothing there. */
MUST_CHECK bool expr_json_at(const struct json *root, struct str path, struct json *out);
MUST_CHECK bool expr_json_walk(const struct json *root, struct str path, struct json *out, size_t *work); /* the same; work as above */
/* A lookup over it: ctx is a const struct json *. */
bool expr_json_lookup(void *ctx, struct str name, struct arena *a, struct json *out, size_t *work);

#endif
