/* tests/unit/settling.h: one member whose events are settled as the service does it, with tables of our own in memory.
 *
 * Each set loads what settle_needs asks for and nothing else, settles, and writes back bytes. After each: what was encoded decodes to the
 * same, wallets = Σ entries = last balance_after, sequences and hash chain without gaps (invariant 1), the outcome can be encoded.
 * JSON texts are written with ' for ". A configuration that is refused, or any problem that is not asked for, fails the test. */
#ifndef TESTS_UNIT_SETTLING_H
#define TESTS_UNIT_SETTLING_H

#include "engine/config.h"
#include "engine/settle.h"

struct stored_period {
    enum period_kind kind;
    int64_t start;
    struct str text;
};
struct world {
    struct arena *a;
    const struct program *p;
    LIST(struct code_number) codes; /* stay over configurations */
    uint64_t config_version;
    struct str zone_before;
    int64_t zone_from_ms;
    struct tenant_keys keys;
    struct str hot, cold; /* the row */
    uint64_t version;
    LIST(struct stored_period) periods;
    LIST(struct rule_payment) payments;
    LIST(struct entry) entries;
    const char *attributes, *groups, *zone, *next_zone; /* NULL: none */
    int64_t now_ms;
    uint32_t sets, events;
    bool load_all;         /* whatever settle_needs says */
    struct needs needs;    /* of the last set */
    struct member_state s; /* after the last set, everything loaded */
};

struct told {                       /* one event of a set */
    const char *type, *time, *data; /* data NULL: none */
};

struct world *world_new(struct arena *a, const char *definitions);
void world_configure(struct world *w, const char *definitions); /* the items of "definitions" */
/* Settles one event, or several in one transaction. */
const struct outcome *world_event(struct world *w, const char *type, const char *time, const char *data);
const struct outcome **world_set(struct world *w, const struct told *events, size_t n);
enum problem world_adjust(struct world *w, const char *currency, int64_t amount, const struct outcome **out, struct faults *faults);
void world_status(struct world *w, enum member_status status, const char *type);

int64_t at(const char *time);
uint16_t number(const struct world *w, enum code_kind kind, const char *code);
int64_t balance(const struct world *w, const char *currency);
int64_t metric(const struct world *w, const char *code, enum period_kind kind, const char *time); /* thousandths */
int64_t counter_at(const struct world *w, enum counter_kind what, enum code_kind of, const char *code, enum period_kind kind,
                   const char *start);
struct str state_bytes(const struct world *w); /* hot, cold, closed periods, payments, in a fixed order */

/* The n-th grant, denial or counter; fails where there is none. */
const struct grant_result *grant_at(const struct outcome *o, size_t n);
const struct denial *denial_at(const struct outcome *o, size_t n);
const struct counted *counted_at(const struct outcome *o, size_t n);
/* Exactly one grant of this amount and nothing denied; or exactly one denial and no grant. */
void assert_paid(const struct outcome *o, int64_t amount);
void assert_denied(const struct outcome *o, enum reason reason, const char *next_at); /* NULL: none */

#endif
