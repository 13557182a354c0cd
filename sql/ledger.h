/* sql/ledger.h: the entries of wallets. */
#ifndef SQL_LEDGER_H
#define SQL_LEDGER_H

#include "engine/outcome.h"
#include "sql/members.h"

struct entry_row {
    struct member_ref m;
    struct entry e;
};
enum db_result entries_insert(struct db *db, struct arena *a, const struct entry_row *rows, size_t n);
/* One wallet's entries with seq in (after, …], ascending, at most limit: verify. */
enum db_result entries_ascending(struct db *db, struct arena *a, struct member_ref m, uint16_t currency, enum part part, uint64_t after,
                                 size_t limit, struct entry_row **out, size_t *n_out);
/* A page of /transactions: newest first, seq < before (0: from the newest), created_at in [from, to) (to 0: no end), kinds as bits
 * 1 << kind (0: all). The sums are those of the whole filter: earned of what came in, spent of what went out (positive). */
struct entry_filter {
    uint16_t currency;
    enum part part;
    uint64_t before;
    int64_t from_ms, to_ms;
    uint32_t kinds;
};
enum db_result entries_page(struct db *db, struct arena *a, struct member_ref m, const struct entry_filter *f, size_t limit,
                            struct entry_row **out, size_t *n_out);
struct entry_sums {
    int64_t earned, spent, net;
    uint64_t count;
};
enum db_result entries_sum(struct db *db, struct arena *a, struct member_ref m, const struct entry_filter *f, struct entry_sums *out);
/* The wallets of a member that have entries, whatever the state row says: verify. */
struct wallet_ref {
    uint16_t currency;
    enum part part;
    uint64_t last_seq;
};
enum db_result wallets_with_entries(struct db *db, struct arena *a, struct member_ref m, struct wallet_ref **out, size_t *n_out);

#endif
