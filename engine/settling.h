/* engine/settling.h: one change of a member while it is settled. Private to the settle_*.c files and scope.c.
 *
 * Rules are judged first, all against the state as it stood before the event (SEMANTICS 10): conditions, audiences, amounts,
 * factors, what they count. Then they are paid in their order, where limits, cooldowns and caps see what went before;
 * then counters are applied once, then levels go round. */
#ifndef ENGINE_SETTLING_H
#define ENGINE_SETTLING_H

#include "engine/settle.h"

struct settling {
    const struct program *p;
    struct member_state *s;
    const struct event *event; /* NULL: an adjustment */
    const struct settle_env *env;
    struct arena *a;
    struct outcome *out;
    int64_t time_ms;            /* of the event; an adjustment's is now */
    struct member_state before; /* as it stood; after the first change only its lifetimes may be read */
    uint32_t transfers;         /* made so far: each has an id of its own */
    uint32_t steps;             /* of all expressions that were run so far */
};

/* settle_rules.c: fills grants, denied and counters for the event's candidates. */
void settle_rules(struct settling *w);
bool rule_means_type(const struct rule *r, struct str member_type); /* by its audience's types */
/* A computed count in thousandths; false: it is no number that a metric can hold. */
MUST_CHECK bool count_thousandths(const struct json *value, int64_t *out);
/* Whether the rule's cooldown stands in the way of an event at t, by the payments that are loaded; until when. */
MUST_CHECK bool cooldown_blocks(const struct member_state *s, const struct rule *r, int64_t t_ms, int64_t *until);

/* settle_amount.c: what a grant comes to, before any cap. */
struct amount {
    struct decimal base;
    int64_t result;  /* floored; may be below 1 */
    uint8_t factors; /* bit i: factor i applied */
};
/* false: it could not be computed; *place says where. code: of the rule, for random amounts. */
MUST_CHECK bool amount_compute(const struct settling *w, const struct grant *g, uint8_t index, struct str code,
                               const struct expr_scope *scope, struct amount *out, struct place *place);
/* What a rule's grant comes to at most; AMOUNT_MAX where only its run can tell. */
int64_t amount_most(const struct grant *g);

/* settle_levels.c: pays every level crossed, round and round, and reports the changes. */
void settle_levels(struct settling *w);
int64_t ladder_level(const struct ladder *l, const struct member_state *s); /* by lifetime earned */

/* settle_ledger.c */
/* Whether balance and lifetime stay within BALANCE_MAX. */
MUST_CHECK bool ledger_has_room(const struct settling *w, uint16_t currency, int64_t amount);
/* Makes the transfer of g->amount (cause, currency, kind, contra and part are set) and adds it to the outcome: seq, hash chain, lifetime,
 * points earned today. */
void ledger_transfer(struct settling *w, const struct grant_result *g);

/* scope.c: the variables of SEMANTICS 9 as an expression sees them. Everything is read from w->s as it is at the time of the run. */
struct expr_scope scope_of(struct settling *w, struct str rule);
/* Whether it needs only the event and the state row: it can be run before anything else is loaded. */
bool expr_is_early(const struct expr *e);
/* The metric and period that a variable `metric.…` names; NULL: none. */
const struct metric *scope_metric(const struct program *p, struct str name, enum period_kind *kind);

#endif
