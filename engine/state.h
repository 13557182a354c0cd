/* engine/state.h: the state row: all that an award reads and writes of a member (MECHANICS 1), and its encoding.
 *
 * Everything that counts within a period is a `struct counter`: metrics, use of daily caps, paid times of rules with limits,
 * last payments, points earned today. The row holds the current period of each; closed periods lie in member_period. */
#ifndef ENGINE_STATE_H
#define ENGINE_STATE_H

#include "base/crypto/crypto.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/numbers.h"
#include "base/zone.h"

struct wallet {
    uint16_t currency;
    enum part part;
    int64_t balance;
    uint64_t seq;            /* of the last entry */
    struct hash16 hash;      /* of the last entry */
    int64_t last_created_at; /* of the last entry */
};
struct lifetime {
    uint16_t currency;
    int64_t earned, spent;
};
struct counter {
    enum counter_kind what;
    uint16_t no;
    enum period_kind kind;
    int64_t start; /* ms, whole seconds; 0 for EVER */
    int64_t value;
};
struct ladder_paid {
    uint16_t ladder;
    int64_t level; /* paid up to and including it */
};
enum member_status { MEMBER_ACTIVE = 0, MEMBER_SUSPENDED = 1, MEMBER_ERASED = 2, MEMBER_MERGED = 3 };

/* A closed period's row: the counters that were moved there. (EVER, 0) holds what removed definitions leave. */
struct closed_period {
    enum period_kind kind;
    int64_t start;
    LIST(struct counter) counters;
    bool dirty; /* to be written */
};
struct rule_payment { /* a row of rule_paid */
    uint16_t rule;
    int64_t time_ms; /* of the paid event */
    bool fresh;      /* to be inserted */
};

struct member_state {
    tenant_id tenant;
    member_no member;
    uint64_t version; /* the member's own count of outcomes; the engine counts it up per outcome */
    /* hot */
    LIST(struct wallet) wallets;     /* by (currency, part) */
    LIST(struct lifetime) lifetimes; /* by currency */
    LIST(struct counter) counters;   /* by (what, no, kind) */
    /* cold */
    enum member_status status;
    struct str type;                  /* the member's type, "" unless set */
    uint16_t zone_no, next_zone_no;   /* 0: the tenant's; next_zone_no counts from zone_from_ms on */
    int64_t zone_from_ms;             /* 0: no change is due */
    bool has_leftovers;               /* there is a row (EVER, 0) in member_period */
    LIST(struct ladder_paid) ladders; /* by ladder */
    bool hot_dirty, cold_dirty;
    /* loaded beside the row where settle_needs asked for it */
    const struct zone *zone, *next_zone; /* of zone_no and next_zone_no; NULL: the tenant's */
    LIST(struct closed_period) closed;
    LIST(struct rule_payment) payments;
    const struct json *attributes, *groups; /* objects, NULL: none or not loaded */
};

/* Encodings of ENCODINGS "State row": a format number first; every older format can be read. Byte by byte in engine/state_codec.c.
 * What each part takes, for the worst case of a configuration. Counters of one (what, no) share a group: its head, then
 * STATE_COUNTER_EVER for PERIOD_EVER and STATE_COUNTER_PERIOD for each other kind. */
enum {
    STATE_FORMAT = 1,
    STATE_HOT_HEAD = 1 + 1 + 1 + 2, /* format, counts of wallets, lifetimes, groups */
    STATE_WALLET = 2 + 1 + 8 + 8 + 16 + 8,
    STATE_LIFETIME = 2 + 8 + 8,
    STATE_COUNTER_GROUP = 1 + 2 + 1,
    STATE_COUNTER_EVER = 8,
    STATE_COUNTER_PERIOD = 4 + 8,
    STATE_COLD_HEAD = 1 + 1 + 1 + CODE_BYTES_MAX + 2 + 2 + 8 + 1 + 2, /* with the longest member type */
    STATE_LADDER = 2 + 8,
};
size_t state_hot_size(const struct member_state *s); /* bytes that the encodings below would have */
size_t state_cold_size(const struct member_state *s);
struct str state_encode_hot(struct arena *a, const struct member_state *s);
struct str state_encode_cold(struct arena *a, const struct member_state *s);
/* Empty texts are a new member's. false: not one of our encodings (the database was damaged). */
MUST_CHECK bool state_decode(struct arena *a, struct str hot, struct str cold, struct member_state *s);
struct str closed_encode(struct arena *a, const struct closed_period *c);
MUST_CHECK bool closed_decode(struct arena *a, struct str text, struct closed_period *c); /* kind and start are set by the caller */

/* These make what is missing, and keep the lists sorted: an address is void after the next one is made. */
struct wallet *state_wallet(struct arena *a, struct member_state *s, uint16_t currency, enum part part);
struct lifetime *state_lifetime(struct arena *a, struct member_state *s, uint16_t currency);
struct ladder_paid *state_ladder(struct arena *a, struct member_state *s, uint16_t ladder);
const struct ladder_paid *state_ladder_find(const struct member_state *s, uint16_t ladder); /* NULL: none */
int64_t state_earned(const struct member_state *s, uint16_t currency);                      /* lifetime earned */
int counter_cmp(const struct counter *a, const struct counter *b);                          /* by (what, no, kind) */
size_t counters_size(const struct counter *c, size_t n);                                    /* encoded; sorted */
const struct counter *state_counter(const struct member_state *s, enum counter_kind what, uint16_t no,
                                    enum period_kind kind); /* NULL: none */

#endif
