/* engine/settle.h: the one thing that decides (DESIGN 5): a program, a member's state, an event and an explicit environment go in,
 * the outcome comes out and the state is changed accordingly.
 *
 * Pure: no clock, no randomness, no I/O, no globals; same arguments, same outcome, on every machine (invariant 6). After a
 * problem, or when the transaction is rolled back, the state is void and has to be loaded again. */
#ifndef ENGINE_SETTLE_H
#define ENGINE_SETTLE_H

#include "engine/outcome.h"
#include "engine/state.h"

struct settle_env {
    int64_t now_ms; /* settle time */
    const struct tenant_keys *keys;
    struct position at; /* of the outcome to be */
    uint8_t seed[16];   /* transfer ids are made from it and a count */
};

/* What has to be loaded beside the state rows before these events of one member are settled: nothing in the ordinary case, when they
 * lie in the periods that the row holds. n == 0: before an adjustment at now_ms. A row that does not exist is put into the state
 * empty, or not at all. Where `again` is set, (EVER, 0) is among the periods: what it brings back may have periods of its own, so ask once
 * more when it is loaded (periods that are in the state are not asked for again). */
struct period_need {
    enum period_kind kind;
    int64_t start;
};
struct payment_need {
    uint16_t rule;
    int64_t from_ms, to_ms; /* both ends included */
};
struct needs {
    bool profile; /* attributes and groups */
    bool again;
    LIST(struct period_need) periods;   /* rows of member_period: late targets, and where current values will be moved */
    LIST(struct payment_need) payments; /* rows of rule_paid */
};
void settle_needs(const struct program *p, const struct member_state *s, const struct event *const *events, size_t n, int64_t now_ms,
                  struct arena *a, struct needs *out);

/* The same for one rule alone at a time, whatever its conditions say: before it is explained (engine/explain.h). */
void rule_needs(const struct program *p, const struct member_state *s, const struct rule *r, int64_t time_ms, struct arena *a,
                struct needs *out);

/* P_OK with the outcome; anything else is an item that the engine finds faulty (a state that would outgrow its row). `a` must live as
 * long as the state, whose lists grow in it. */
MUST_CHECK enum problem settle_event(const struct program *p, struct member_state *s, const struct event *e, const struct settle_env *env,
                                     struct arena *a, struct outcome *out, struct faults *faults);

struct adjustment {
    const struct currency *currency;
    int64_t amount; /* not 0 */
};
/* Positive adjustments count as lifetime earned and may raise levels. P_INSUFFICIENT with required, available and shortfall in
 * faults->extra where the wallet does not have it (a currency that is not spendable cannot go below 0 either). */
MUST_CHECK enum problem settle_adjustment(const struct program *p, struct member_state *s, const struct adjustment *adj,
                                          const struct settle_env *env, struct arena *a, struct outcome *out, struct faults *faults);

/* A change that earns nothing (type, zone, status, erasure): it is only counted and logged (CHANGE_MEMBER). */
/* P_STATE_TOO_LARGE as settle_event. */
MUST_CHECK enum problem settle_note(const struct program *p, struct member_state *s, const struct settle_env *env, struct arena *a,
                                    struct outcome *out, struct faults *faults);

/* The zone that counts for the member at t: of a reference in a definition. */
const struct zone *zone_at(const struct program *p, const struct member_state *s, const struct zone_ref *ref, int64_t t_ms);
uint16_t zone_no_at(const struct program *p, const struct member_state *s, int64_t t_ms);
/* The start of the period in which a counter counts at t; *end (may be NULL) is when it is over. `known` is the counter of the row, NULL:
 * none. When the zone of a definition has changed, the period that had begun by the old one goes on until it is over (SEMANTICS 35): a cap
 * or limit gets no second room on the same day. */
int64_t counter_period(const struct counter *known, enum period_kind kind, const struct zone *zone, int64_t t_ms, int64_t *end);
/* The value of a counter in the period that holds t, from the row and the closed periods that are loaded; 0 where there is none. */
int64_t counter_value(const struct member_state *s, enum counter_kind what, uint16_t no, enum period_kind kind, int64_t start);
/* The cap of a currency for the member as it stands: amount + plus_per_level × (level − 1). */
int64_t cap_amount(const struct program *p, const struct member_state *s, const struct currency *c);

#endif
