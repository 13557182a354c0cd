/* base/limits.h: every limit with its reason. Relations between them are asserted at the end. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#include <assert.h>
#include <stdint.h>

/* requests */
enum {
    EVENT_BYTES_MAX = 16 * 1024,      /* one event: what one worker of `events` reads at once (DESIGN 11) */
    BODY_BYTES_MAX = 4 * 1024 * 1024, /* an array of events (SEMANTICS 7) */
    CONFIG_BYTES_MAX = 1024 * 1024,   /* a whole configuration: several hundred rules */
    SMALL_BODY_MAX = 16 * 1024,       /* every other body */
    TOKEN_BYTES_MAX = 4 * 1024,       /* a member token: half of what the web server takes as one header field */
    EVENTS_PER_REQUEST_MAX = 1000,    /* SEMANTICS 6 */
    EVENTS_PER_SET_MAX = 100,         /* beyond about 100 a transaction gets no faster (FLOORS D) */
    CONTEXT_BYTES_MAX = 4 * 1024,     /* SEMANTICS 7 */
    URI_BYTES_MAX = 4 * 1024,         /* two percent-encoded ids of 128 bytes and a query */
    JSON_DEPTH_MAX = 32,              /* far beyond any real event; bounds recursion */
    JSON_WRAPPING_MAX = 2,            /* levels that a stored text puts around what was sent: sealed parts, definitions of a document */
    JSON_NODES_MAX = 200000,          /* an array of 1,000 events of 200 values */
    FAULTS_MAX = 100,                 /* enough to mend a document at one reading */
    PAGE_DEFAULT = 50,
    PAGE_MAX = 200,                  /* a page of transactions reads as many outcomes */
    PAGE_BYTES_ENOUGH = 1024 * 1024, /* a page of very large rows ends early */
};

/* names */
enum {
    ID_BYTES_MAX = 128,   /* source, event id, member id (SEMANTICS 1) */
    CODE_BYTES_MAX = 64,  /* codes of definitions, event types, member types */
    NAME_BYTES_MAX = 200, /* names and reasons shown to people */
    ZONE_BYTES_MAX = 64,  /* longer than any IANA name */
    TYPE_BYTES_MAX = 128, /* an event's type */
};

/* members */
enum {
    ATTRIBUTES_BYTES_MAX = 8 * 1024, /* written compactly: what a condition may have to load with every event */
    GROUPS_PER_MEMBER_MAX = 64,      /* each is a row of its own */
};

/* numbers */
#define AMOUNT_MAX       INT64_C(1000000000000000)    /* 10^15, far inside int64 (DESIGN 4) */
#define BALANCE_MAX      INT64_C(1000000000000000000) /* 10^18: a thousand of the largest amounts, still inside int64 */
#define METRIC_MAX       INT64_C(1000000000000000)    /* 10^12 with three decimals (SEMANTICS 26) */
#define JSON_INTEGER_MAX INT64_C(9007199254740992)    /* 2^53: beyond it a double is not exact */

/* configuration */
enum {
    DEFINITIONS_MAX = 500,
    CURRENCIES_MAX = 16,
    LADDERS_MAX = 16,  /* their formulas are run when a configuration is compiled */
    LEVELS_MAX = 1000, /* SEMANTICS 20 */
    GRANTS_PER_RULE_MAX = 8,
    FACTORS_MAX = 8,         /* per grant; the products must fit 128 bits */
    LIMITS_PER_RULE_MAX = 5, /* one per period kind */
    COUNTS_PER_RULE_MAX = 8,
    TYPES_PER_RULE_MAX = 16,
    EXPR_NODES_MAX = 500, /* per expression */
    EXPR_DEPTH_MAX = 32,
    EXPR_STEPS_MAX = 20000,   /* of one run, loops included; engine/expr_node.h says what takes how many */
    EVENT_STEPS_MAX = 100000, /* of all expressions that are run for one event together: others of its set wait for it */
    EXPR_STRING_MAX = 16384,  /* bytes of one string that an expression makes */
    EXPR_ARRAY_MAX = 1000,
};

/* the state row (MECHANICS 1) */
enum {
    HOT_BYTES_MAX = 2048,
    COLD_BYTES_MAX = 4096,
    OUTCOME_BYTES_MAX = 65535, /* the clear part; an ordinary award is about 300 bytes */
    LANES_MAX = 4096,
    PROGRAMS_MAX = 256,                    /* compiled configurations that a process keeps: some 50 KiB each */
    PROGRAM_BYTES_MAX = 128 * 1024 * 1024, /* and all of them: the largest take 20 MiB, and every worker keeps its own */
};

/* time, milliseconds unless said */
#define MS_SECOND           INT64_C(1000)
#define MS_MINUTE           (60 * MS_SECOND)
#define MS_HOUR             (60 * MS_MINUTE)
#define MS_DAY              (24 * MS_HOUR)
#define EARLY_MS_MAX        (5 * MS_MINUTE)        /* how far an event may lie ahead: clocks differ (SEMANTICS 4) */
#define IDEMPOTENCY_MS      (48 * MS_HOUR)         /* how long an Idempotency-Key is kept (SEMANTICS 40) */
#define WINDOW_MS_DEFAULT   (72 * MS_HOUR)         /* SEMANTICS 4 */
#define REQUEST_DEADLINE_MS (4 * MS_SECOND)        /* MECHANICS 2; nginx waits 10 s */
#define LANE_LEASE_MS       (30 * MS_SECOND)       /* MECHANICS 3 */
#define KEY_STALE_MS        500                    /* how old a key record may be for a read (DESIGN 3) */
#define TOKEN_LIFE_MS_MAX   (24 * MS_HOUR)         /* of a member token, from its issue (DESIGN 3) */
#define TOKEN_SKEW_MS       MS_MINUTE              /* how far the clock of a tenant's back end may be off */
#define TIME_MS_MIN         INT64_C(946684800000)  /* 2000-01-01: nothing that people did is older */
#define TIME_MS_MAX         INT64_C(4102444800000) /* 2100-01-01: the end of the transition tables */

static_assert(EVENTS_PER_SET_MAX <= EVENTS_PER_REQUEST_MAX, "a set is part of an array");
static_assert(EVENT_BYTES_MAX < BODY_BYTES_MAX, "an array holds events");
static_assert(AMOUNT_MAX < BALANCE_MAX && BALANCE_MAX < INT64_MAX / 4, "a balance plus an amount never overflows");

#endif
