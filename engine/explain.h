/* engine/explain.h: why a rule would pay a member, or not, and when it next can (A16): every check of the rule, with its figures.
 *
 * Pure, as settling is. The rule is judged alone: what other rules of the same event would use of a cap before it is not counted.
 * It is judged for an event that nobody has sent: what of it is not given may be anything, and a check whose answer then hangs on it is
 * open and names what it needs. What is derived from the event's id is always open. */
#ifndef ENGINE_EXPLAIN_H
#define ENGINE_EXPLAIN_H

#include "engine/settle.h"

struct question {
    const struct rule *rule;
    int64_t time_ms;         /* of the event */
    struct str type;         /* "" any of the rule's */
    const struct json *data; /* an object; NULL: any */
};

/* In the order in which settling looks at them. */
enum check_kind {
    CHECK_TENANT,    /* settings.enabled */
    CHECK_MEMBER,    /* not suspended */
    CHECK_ENABLED,   /* the rule */
    CHECK_DATES,     /* starts_at, ends_at */
    CHECK_TYPE,      /* where one is given */
    CHECK_TYPES,     /* audience.types */
    CHECK_AUDIENCE,  /* audience.when */
    CHECK_CONDITION, /* when */
    CHECK_COUNT,     /* a computed count */
    CHECK_GRANTS,    /* only of a rule that grants nothing */
    CHECK_LIMIT,
    CHECK_COOLDOWN,
    CHECK_AMOUNT, /* of each grant: at least 1 */
    CHECK_CAP,    /* of its currency: room is left */
};
enum verdict { VERDICT_FAILED, VERDICT_OPEN, VERDICT_PASSED };

struct seen_variable {
    struct str name;
    bool there; /* false: it is null */
    struct json value;
};
struct check {
    enum check_kind kind;
    enum verdict verdict;
    uint8_t index;                     /* of the grant, limit or count */
    struct place place;                /* the failing part of an expression */
    const char *stopped;               /* the expression could not be computed, and why; NULL: it could */
    bool has_values;                   /* of an expression that has run */
    LIST(struct seen_variable) values; /* of the variables that it uses */
    LIST(struct str) needs;            /* what it needs to know of an event */
    int64_t used, of, left;            /* of a limit or a cap */
    int64_t at;                        /* when the period ends, or the cooldown; INT64_MAX: never, 0: nothing to wait for */
    bool has_bounds;                   /* of an amount: it could be computed */
    int64_t least, most;
};
struct explanation {
    struct question asked;
    enum verdict would_pay;
    int64_t next_at; /* asked.time_ms where time is in nobody's way; 0: time alone will not mend it, or to find it costs too much */
    LIST(struct check) checks;
};

/* What rule_needs asked for is loaded, and the profile. The state is void afterwards. */
void explain_rule(const struct program *p, struct member_state *s, const struct question *q, const struct tenant_keys *keys,
                  struct arena *a, struct explanation *out);

/* Puts "would_pay", "next_at" and "checks" into the object that is open. */
void explanation_render(struct json_writer *w, struct arena *a, const struct explanation *x, const struct member_state *s);

#endif
