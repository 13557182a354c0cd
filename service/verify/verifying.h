/* service/verify/verifying.h: one run of verify; private to this folder.
 *
 * What changes is read in short snapshots: state rows, closed periods, member keys, the heads of the lanes. What never changes, entries
 * and outcomes, is read after the snapshot has ended, up to where it stood: a state row says how many entries each wallet has, the
 * heads of the lanes say which outcomes were there. So no snapshot holds anything up, however long the history of a member is. */
#ifndef SERVICE_VERIFY_VERIFYING_H
#define SERVICE_VERIFY_VERIFYING_H

#include "engine/outcome.h"
#include "service/inside.h"
#include "service/verify/verify.h"
#include "sql/ledger.h"
#include "sql/proof.h"
#include "sql/retention.h"

enum {
    SLICE_MEMBERS = 200,
    SNAPSHOT_MS_MAX = 4000, /* readers end their snapshot after 5 s (MECHANICS 1) */
    PAGE_ROWS = 1000,
    OUTCOME_ROWS = 500, /* with what is sealed */
    FOLLOW_ROWS = 5000,
    LANE_SLOTS = UINT16_MAX + 1, /* whatever a damaged row says */
};

struct currency_sum {
    uint16_t currency;
    __int128 sum;
};
struct account_sum {
    uint16_t currency;
    uint8_t account; /* as stored: maybe no enum account */
    __int128 sum;
};
struct account_sums {
    LIST(struct account_sum) list;
};
/* All at the cut. */
struct tenant_sums {
    LIST(struct currency_sum) list; /* wallets of the members done + tenant-side balances */
    struct account_sums accounts;   /* entries of the members done by their contra account + its tenant-side balance */
};
struct lane_cut {
    uint32_t day;
    uint64_t n;
};

struct verifying {
    struct service *s;
    struct db *db;
    struct arena *a;   /* of the caller: the report */
    struct arena *run; /* of this run */
    const struct verify_options *options;
    struct verify_report *out;
    struct faults *faults;
    struct tenant_row *tenants; /* to be verified, ascending */
    size_t n_tenants;
    struct kept kept; /* as of now; see verify_again */
    /* the cut of invariant 2 */
    struct lane_cut *cut;     /* by lane */
    struct tenant_sums *sums; /* by tenant */
    size_t done_tenants;      /* all members of these are in their sums … */
    member_no done_member;    /* … and of the next one those up to this */
};

/* Where on earth: `where` may live in any arena, it is copied. */
void violation(struct verifying *v, int invariant, struct str tenant, struct str where, const char *what, ...) PRINTF(5, 6);
void verify_progress(struct verifying *v, const char *phase, uint64_t done, uint64_t of);
/* Retention goes on while we read. What was found missing under an older idea of what is kept is judged again: the caller remembers the
 * report with verify_mark, does its work, and does it again while verify_again says so. */
struct verify_mark {
    struct verify_report report;
    struct kept kept;
};
MUST_CHECK enum db_result verify_mark(struct verifying *v, struct verify_mark *mark);
MUST_CHECK enum db_result verify_again(struct verifying *v, const struct verify_mark *mark, bool *again);

struct str position_text(struct arena *a, struct position at); /* "outcome day 20000 lane 1 n 5 i 0" */
const char *part_name(enum part p);
int64_t sum_capped(int64_t a, int64_t b); /* damaged numbers must not overflow */
int64_t narrow(__int128 v);               /* for texts */

/* ---- lanes.c ---- */
MUST_CHECK enum db_result verify_lanes(struct verifying *v);

/* ---- sums.c: invariant 2 ---- */
MUST_CHECK enum db_result sums_begin(struct verifying *v);
/* Moves the cut to these heads, which one snapshot read. */
MUST_CHECK enum db_result sums_advance(struct verifying *v, const struct lane_row *heads, size_t n);
void sums_add(struct verifying *v, size_t tenant, uint16_t currency, __int128 amount);
void accounts_add(struct arena *a, struct account_sums *sums, uint16_t currency, uint8_t account, __int128 amount);
/* Of one tenant's own rows: whether the roll-up has not folded this outcome yet; then what it moved is added with sums_add_moved. */
bool sums_wants(const struct verifying *v, struct position at);
void sums_add_moved(struct verifying *v, size_t tenant, const struct account_sums *moved);

/* ---- one tenant ---- */

struct rule_fact { /* what a version says a paid rule uses up */
    uint16_t no;
    uint8_t limit_kinds; /* bits 1 << enum period_kind */
    bool cooldown;
};
struct version_facts {
    uint64_t version;
    bool usable;      /* its program compiles */
    uint16_t *capped; /* currencies */
    struct rule_fact *rules;
    size_t n_capped, n_rules;
};
struct erased_count { /* what was settled of an erased member and must still have its identity */
    member_no member;
    uint64_t outcomes, identities;
};
struct tenant_view {
    const struct tenant_row *row;
    size_t index;
    struct arena *a;
    const struct tenant_keys *keys;
    struct code_number *codes;
    size_t n_codes;
    LIST(struct version_facts) facts;
    LIST(struct erased_count) erased; /* ascending by member: slices come so */
    struct kept kept;                 /* when it began */
    int64_t payments_from_ms;         /* payments from then on must still have their row */
    uint16_t highest[CODE__MAX];      /* number that any row of a member holds, by enum code_kind */
};
struct str code_text(struct arena *a, const struct tenant_view *t, enum code_kind kind, uint16_t no); /* the code, else "number 7" */

/* members.c: slices of members; invariants 1, 3 and 10 of each. */
MUST_CHECK enum db_result verify_members(struct verifying *v, struct tenant_view *t);

/* One member as one snapshot saw it. */
struct member_view {
    struct member_ref ref;
    uint64_t version;
    bool damaged; /* the state row cannot be decoded */
    struct member_state state;
    struct closed_text *closed;
    size_t n_closed;
    struct wallet_ref *wallets; /* with entries, whatever the state row says */
    size_t n_wallets;
    struct rule_payment *payments; /* rows of rule_paid, by rule and time */
    size_t n_payments;
    const struct member_key_row *key; /* NULL: there is none */
    const struct lane_row *heads;
    size_t n_heads;
};
struct str member_text(struct arena *a, const struct member_view *m); /* "member 123" */

/* counters.c: numbers that are counted twice and compared. */
struct tally {
    struct arena *a;
    LIST(struct counter) items;
    size_t merge_at; /* items from which merging is worth it again */
};
/* Adds, or for a cooldown takes the latest. Only metrics are told apart by the start of their period: of the others only sums over
 * all periods can be told from outcomes, since where their days begin follows from rules. */
void tally_add(struct tally *t, enum counter_kind what, uint16_t no, enum period_kind kind, int64_t start, int64_t value);
void tally_merge(struct tally *t); /* sorted, each key once */

/* outcomes.c: what a member's outcomes say; invariant 3. */
struct expected_transfer {
    struct position at;
    struct entry e; /* what the entry must be, without created_at and hash */
    bool met;
};
struct recount {
    struct arena *a;
    LIST(struct expected_transfer) transfers; /* by (currency, part, seq) */
    LIST(struct ladder_paid) ladders;         /* the highest level reached by an outcome */
    LIST(struct currency_sum) earned, spent;  /* lifetimes, from the entries */
    struct account_sums accounts;             /* of the entries, by their contra account */
    struct account_sums moved;                /* of outcomes that sums_wants, to tenant-side accounts */
    struct tally tally;
    LIST(struct rule_payment) paid; /* of rules that had a cooldown */
    bool whole;                     /* all outcomes from the first are there and can be read: everything can be recounted */
    bool dropped;                   /* the first ones are no longer kept */
    bool usable;                    /* the programs of all versions compile */
};
MUST_CHECK enum db_result verify_outcomes(struct verifying *v, struct tenant_view *t, const struct member_view *m, struct recount *out);
/* wallets.c: invariant 1. Fills what the entries say of the recount. */
MUST_CHECK enum db_result verify_wallets(struct verifying *v, struct tenant_view *t, const struct member_view *m, struct recount *r);
/* counters.c: invariant 10 */
void verify_counters(struct verifying *v, struct tenant_view *t, const struct member_view *m, struct recount *r, struct arena *a);
/* payments.c: invariant 10, rule_paid. payments_due sets payments_from_ms. */
MUST_CHECK enum db_result payments_due(struct verifying *v, struct tenant_view *t);
void verify_payments(struct verifying *v, struct tenant_view *t, const struct member_view *m, struct recount *r, struct arena *a);
/* codes.c: the numbers of codes, after all members have noted what they hold. */
void note_number(struct tenant_view *t, enum code_kind kind, uint16_t no);
MUST_CHECK enum db_result verify_codes(struct verifying *v, struct tenant_view *t);
/* identities.c: invariant 3, from the identities. */
MUST_CHECK enum db_result verify_identities(struct verifying *v, struct tenant_view *t);
/* The event in an outcome; false: it cannot be opened or is no event. */
MUST_CHECK bool sealed_event(struct arena *a, const struct outcome_row *row, const uint8_t key[SEAL_KEY_BYTES], struct sealed *out);

#endif
