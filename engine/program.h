/* engine/program.h: all definitions of one tenant at one version, checked and compiled for the engine.
 *
 * Immutable after program_compile; lives in one arena. Small numbers stand for codes everywhere (DESIGN 4): `no` is given
 * once per (tenant, kind, code) and never again. References between definitions are resolved to pointers. */
#ifndef ENGINE_PROGRAM_H
#define ENGINE_PROGRAM_H

#include "base/crypto/encodings.h"
#include "base/decimal.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/numbers.h"
#include "base/rates.h"
#include "base/zone.h"
#include "engine/expr.h"

/* What has numbers. The value is stored in code_number.kind: append only. */
enum code_kind {
    CODE_CURRENCY = 1,
    CODE_METRIC = 2,
    CODE_RULE = 3,
    CODE_LADDER = 4,
    CODE_TYPE = 5, /* event types that definitions name */
    CODE_ZONE = 6, /* time zones of tenants and members */
    CODE__MAX
};
struct code_number {
    enum code_kind kind;
    uint16_t no; /* 1 … 65535 */
    struct str code;
};

/* "tenant" (default), "member", or a name of the IANA database. */
struct zone_ref {
    enum { ZONE_TENANT, ZONE_MEMBER, ZONE_NAMED } of;
    const struct zone *zone; /* of ZONE_NAMED */
};

struct currency {
    uint16_t no;
    struct str code, name;
    bool spendable;
    bool has_cap;
    struct {
        int64_t amount, plus_per_level;
        const struct ladder *ladder; /* NULL: no level counts */
        struct zone_ref zone;
    } cap;
};

struct metric {
    uint16_t no;
    struct str code, name;
    struct zone_ref zone;
    uint32_t periods; /* bits 1 << enum period_kind; PERIOD_HOUR never */
};

struct factor {
    const struct expr *when; /* NULL: always */
    bool has_multiply, has_add;
    struct decimal multiply, add; /* multiply first */
    struct str why;
};

struct grant { /* what one grant of a rule or ladder says */
    const struct currency *currency;
    enum { AMOUNT_FIXED, AMOUNT_EXPR, AMOUNT_RANDOM } how;
    int64_t amount;          /* fixed */
    const struct expr *expr; /* computed */
    int64_t low, high;       /* random, both ends included */
    uint32_t random_n;       /* ENCODINGS, "Random amounts" */
    const struct factor *factors;
    uint8_t n_factors; /* <= FACTORS_MAX */
};

struct count {
    const struct metric *metric;
    int64_t by; /* thousandths, when by_expr is NULL */
    const struct expr *by_expr;
};

struct rule_limit {
    int64_t count;
    enum period_kind per;
    struct zone_ref zone;
};

struct rule {
    uint16_t no;
    struct str code, name;
    bool enabled;
    int64_t priority;
    int64_t starts_at, ends_at; /* ms; starts_at <= t < ends_at; 0 and INT64_MAX where absent */
    const struct str *on;       /* event types */
    uint8_t n_on;
    const struct str *audience_types; /* member types; n 0: all */
    uint8_t n_audience_types;
    const struct expr *audience_when, *when; /* NULL: none */
    const struct count *counts;
    uint8_t n_counts;
    bool count_when_paid;
    const struct grant *grants;
    uint8_t n_grants;
    int64_t cooldown_ms;       /* 0: none */
    const struct json *source; /* the definition itself: pointers of failing parts are made from it */
    const struct rule_limit *limits;
    uint8_t n_limits;
};

struct level {
    int64_t at; /* lifetime earned of the ladder's currency from which it is reached */
    struct str name, icon, animation;
    const struct str *privileges;
    uint8_t n_privileges;
    const struct grant *grants; /* of this level alone, after grant_each */
    uint8_t n_grants;
};
struct ladder {
    uint16_t no;
    struct str code, name;
    const struct currency *currency;
    int64_t first_level;
    const struct level *levels; /* ascending `at`, levels[0].at == 0; a formula is a table here too */
    uint16_t n_levels;
    const struct grant *grant_each; /* for every level crossed */
    uint8_t n_grant_each;
};

struct program {
    tenant_id tenant;
    uint64_t version;
    bool enabled;                          /* settings.enabled */
    int64_t window_ms;                     /* how late an event may come */
    struct rate_limit rates[RATE__MAX];    /* settings.rate_limits; count 0: none of its own */
    const struct zone *zone, *zone_before; /* before zone_from_ms the former zone of the tenant counts (SEMANTICS 35) */
    int64_t zone_from_ms;
    uint16_t zone_no, zone_before_no;
    const struct currency *currencies; /* by code */
    size_t n_currencies;
    const struct metric *metrics;
    size_t n_metrics;
    const struct rule *rules; /* by priority (high first), then code: the order of settling */
    size_t n_rules;
    const struct ladder *ladders;
    size_t n_ladders;
    const struct code_number *codes; /* all of the tenant's numbers, also of deleted definitions; by kind, then no */
    size_t n_codes;
    const struct type_rules *types; /* by type */
    size_t n_types;
    size_t hot_worst, cold_worst;              /* bytes of a state row that uses all of it */
    size_t rounds_worst;                       /* of settling: after so many rounds no level is left that could pay (engine/check.c) */
    const struct metric *const *metrics_by_no; /* the same metrics and rules, by number */
    const struct rule *const *rules_by_no;
};
struct type_rules {
    struct str type;
    uint16_t no;
    const struct rule *const *rules; /* in the order of settling */
    size_t n;
};

const struct type_rules *program_type(const struct program *p, struct str type); /* NULL: no definition names it */
const struct currency *program_currency(const struct program *p, struct str code);
const struct currency *program_currency_no(const struct program *p, uint16_t no); /* NULL: retired */
const struct metric *program_metric_no(const struct program *p, uint16_t no);
const struct rule *program_rule(const struct program *p, struct str code);
const struct rule *program_rule_no(const struct program *p, uint16_t no);
const struct ladder *program_ladder(const struct program *p, struct str code);
const struct ladder *program_ladder_no(const struct program *p, uint16_t no);
struct str program_code(const struct program *p, enum code_kind kind, uint16_t no); /* "" where unknown */

/* The index of the level that `lifetime` reaches; the level's number is first_level + index. */
size_t ladder_index(const struct ladder *l, int64_t lifetime);

#endif
