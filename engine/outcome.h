/* engine/outcome.h: everything that one change of a member caused, and the reasons: the first answer, its replay, the explanation,
 * the change log and the audit trail in one (DESIGN 5, ENCODINGS "Outcome").
 *
 * The clear part holds numbers only; texts come from the program at the outcome's version. The sealed part holds what the
 * client sent. */
#ifndef ENGINE_OUTCOME_H
#define ENGINE_OUTCOME_H

#include "engine/event.h"
#include "engine/program.h"

enum { OUTCOME_FORMAT = 1 };

/* Where in a definition something stands: enough to make a JSON pointer from the definition alone. The numbers of place_in and cause
 * are stored: append only. */
enum place_in {
    PLACE_NONE,
    PLACE_WHEN,
    PLACE_AUDIENCE_WHEN,
    PLACE_AUDIENCE_TYPES,
    PLACE_AMOUNT,
    PLACE_FACTOR,
    PLACE_COUNT,
    PLACE_LIMIT,
    PLACE_DATES,
    PLACE_ENABLED
};
struct place {
    enum place_in in;
    uint8_t index;  /* of the grant, count or limit */
    uint8_t factor; /* of the factor */
    uint16_t node;  /* of the expression, pre-order (engine/expr.h) */
};

struct cap_figures {
    int64_t amount, used, resets_at; /* used: after this grant */
};
enum cause { CAUSE_RULE = 1, CAUSE_LADDER = 2, CAUSE_ADJUSTMENT = 3 };
struct grant_result { /* one transfer and what led to it */
    enum cause cause;
    uint16_t cause_no; /* of the rule or ladder; 0 for an adjustment */
    int64_t level;     /* of a ladder's grant */
    uint8_t grant;     /* which grant of the definition: of a ladder first grant_each, then the level's own */
    uint16_t currency;
    enum transfer_kind kind;
    enum account contra;
    enum part part;
    uint64_t seq;
    struct decimal base;
    int64_t uncapped, amount, balance_after; /* amount is signed as the wallet sees it */
    uint8_t factors;                         /* bit i: factor i of the grant applied */
    bool capped;
    struct cap_figures cap;
    struct uuid transfer;
};
struct denial {
    uint16_t rule; /* 0: no rule in particular (the member is suspended, the tenant is disabled) */
    enum reason reason;
    uint16_t currency; /* 0: the whole rule; else only that grant */
    int64_t next_at;   /* ms, 0: none */
    struct place place;
    struct cap_figures cap; /* of `capped` */
};
struct counted {
    uint16_t metric;
    int64_t by, value; /* thousandths; value of ever, else of the longest period kept */
    uint8_t n_periods;
    struct {
        enum period_kind kind;
        int64_t start;
    } periods[PERIOD__MAX]; /* in which `by` was counted, ever included; each once */
};
struct level_change {
    uint16_t ladder;
    int64_t from, to;
};
struct entry { /* a row of the ledger; not part of the encoding, it is what the grant implies */
    uint16_t currency;
    enum part part;
    uint64_t seq;
    int64_t amount, balance_after;
    enum transfer_kind kind;
    enum account contra;
    struct position cause;
    struct uuid transfer;
    int64_t created_at;
    struct hash16 hash;
};

struct outcome {
    uint8_t format;
    enum change_kind change;
    uint64_t config_version;
    int64_t event_time, settled_at;
    uint16_t type_no; /* 0: no definition names the type */
    struct position at;
    uint16_t of; /* rows of this transaction in the lane */
    uint64_t member_version;
    uint16_t zone_no; /* the member's zone, else the tenant's, and the start of the event's day in it */
    int64_t day_start;
    LIST(struct grant_result) grants;
    LIST(struct denial) denied;
    LIST(struct counted) counters;
    LIST(struct level_change) levels;
    LIST(struct entry) entries;
};

/* The layout stands at the head of engine/outcome_codec.c. An outcome of CHANGE_ADJUSTMENT has exactly one grant of CAUSE_ADJUSTMENT,
 * every other none, and no outcome takes more than OUTCOME_BYTES_MAX (MUST): settling refuses what would, hundreds of levels
 * crossed at once. */
size_t outcome_size(const struct outcome *o); /* bytes of its encoding */
struct str outcome_encode(struct arena *a, const struct outcome *o);
/* Any format of a released version; false: damaged. entries stay empty; the periods of a counter come in the order of their kinds. */
MUST_CHECK bool outcome_decode(struct arena *a, struct str text, struct outcome *o);

/* The sealed part before sealing: JSON text of source, id, type, data, context; without a source reason and actor (of an adjustment), and
 * data (of a change of the member: what was answered). */
struct sealed {
    struct str source, id, type;
    const struct json *data, *context; /* objects, or NULL */
    struct str reason, actor;
};
struct str sealed_encode(struct arena *a, const struct sealed *s);
MUST_CHECK bool sealed_decode(struct arena *a, struct str text, struct sealed *s); /* only what sealed_encode writes */

/* The answer, by the outcome's format; the program must be that of the outcome's version. Fixed for ever per format:
 * golden files in tests/golden/outcome. Codes of what is retired come from the program's numbers. */
void outcome_render(struct json_writer *w, struct arena *a, const struct outcome *o, const struct program *p, struct str member,
                    struct str source, struct str id, bool replayed);
/* The same of an event that was only tried: with "simulated":true, and null in the place of each transfer's id. */
void outcome_render_simulated(struct json_writer *w, struct arena *a, const struct outcome *o, const struct program *p, struct str member,
                              struct str source, struct str id);
/* The JSON pointer of a place within a rule's definition; "" for PLACE_NONE. */
struct str rule_part_pointer(struct arena *a, const struct place *place, const struct rule *rule, int64_t event_time);
/* An adjustment's answer: the transfer, and what it caused. */
void adjustment_render(struct json_writer *w, struct arena *a, const struct outcome *o, const struct program *p, struct str member,
                       struct str reason, struct str actor);

/* What `/transactions` says of one transfer of the outcome. Its source, as one object: {"rule":…,"event":{"source","id","type"}},
 * {"ladder":…,"level":…,"event":{…}} (in an adjustment's outcome "adjustment" and "actor" stand in the place of "event"), or
 * {"adjustment":true,"actor":…}. */
void transaction_source_render(struct json_writer *w, struct arena *a, const struct grant_result *g, const struct outcome *o,
                               const struct sealed *s, const struct program *p);
/* The event's own context.description, else the rule's name or code, "Level 3: Bronze", or the adjustment's reason. */
struct str transaction_description(struct arena *a, const struct grant_result *g, const struct outcome *o, const struct sealed *s,
                                   const struct program *p);

#endif
