/* sql/db.h: the database adapter: one connection, the catalogue of prepared statements, typed sticky binds, four outcomes.
 *
 * Only sql/ includes this header's statement functions; service/ uses db_open, transactions and the result enum. mysql.h is
 * named in db.c alone. Session: READ COMMITTED, autocommit off only inside db_begin … db_commit, innodb_lock_wait_timeout and
 * lock_wait_timeout 1 s, wait_timeout 10 s, utf8mb4, no reconnect of the library's own, time-outs on connect, read and write.
 * Affected rows are found rows (CLIENT_FOUND_ROWS): an UPDATE that changes nothing counts the row it found. */
#ifndef SQL_DB_H
#define SQL_DB_H

#include "base/ids.h"
#include "base/str.h"

struct db;

enum db_result {
    DB_OK = 0,
    DB_NOT_FOUND, /* no such row, or a conditional write that met none */
    DB_CONFLICT,  /* a unique key: the row exists */
    DB_RETRY,     /* 1213, 1020: the whole transaction again */
    DB_BUSY,      /* 1205: a lock waited for too long; the caller halves the set */
    DB_GONE,      /* the connection was lost, or cannot be made, and COMMIT was not sent: nothing was done */
    DB_UNKNOWN,   /* the connection was lost at COMMIT, or in a write outside a transaction: only a look can tell */
    DB_FATAL      /* anything else: a fault of ours or a damaged database; logged here */
};
const char *db_result_name(enum db_result r);

struct db_address {
    const char *socket, *host, *name, *user, *password;
    unsigned port;
    int read_timeout_ms; /* how long an answer may take; of jobs and verify longer; 0: 4 s */
    int idle_timeout_s;  /* the session's wait_timeout, after which the server drops a silent connection; 0: 10 */
};

/* Never fails for a database that is away: connecting happens at the first use, and again after a loss. */
struct db *db_open(const struct db_address *address); /* strings are copied */
void db_close(struct db **db);
enum db_result db_connect(struct db *db); /* connects where needed; DB_GONE where it cannot be */
enum db_result db_ping(struct db *db);
/* Who knows of a server that hangs, beyond this connection. While `shut` says so nothing is sent outside a transaction: DB_GONE at once.
 * `late` is called where an answer did not come within the time-out: it finds out whether the server hangs, and tells until when
 * (clock_monotonic_us) the answer is waited for, 4 s in all at most; 0: no longer, the connection is given up. */
struct db_gate {
    bool (*shut)(void *ctx);
    int64_t (*late)(void *ctx);
    void *ctx;
};
void db_set_gate(struct db *db, struct db_gate gate);
/* Whether the server speaks to who connects, or refuses at once: looks without waiting for more than 50 ms, and goes on with the look of
 * the last call. Behind a gate that is shut. */
bool db_greets(struct db *db);
void db_look_anew(struct db *db);            /* forgets what db_greets has begun: what it was told since says nothing of now */
void db_drop(struct db *db);                 /* closes the connection; the next use makes a new one */
uint64_t db_generation(const struct db *db); /* counts connections made: a lane belongs to one. Read it after db_begin */
enum db_result db_verify_catalogue(struct db *db, struct arena *a, struct str *error); /* prepares every statement once */
/* Whether the server keeps what it acknowledged over a crash: innodb_flush_log_at_trx_commit 1 and no binlog without sync_binlog 1. */
enum db_result db_durable(struct db *db, struct arena *a, bool *out);

/* What came of all statements and COMMITs since db_open, and how many connections were made. */
struct db_tally {
    uint64_t results[DB_FATAL + 1], connections;
};
const struct db_tally *db_tally(const struct db *db);

/* After DB_RETRY, DB_BUSY, DB_GONE or DB_FATAL inside a transaction every further call gives the same result without being sent,
 * until db_rollback: nothing can slip out of a transaction that the server has ended. */
MUST_CHECK enum db_result db_begin(struct db *db);          /* reconnects silently, once, where the connection was found lost */
MUST_CHECK enum db_result db_begin_snapshot(struct db *db); /* REPEATABLE READ WITH CONSISTENT SNAPSHOT, for verify */
MUST_CHECK enum db_result db_commit(struct db *db);         /* DB_OK, DB_UNKNOWN, DB_RETRY; otherwise what an earlier call gave */
void db_rollback(struct db *db);                            /* no-op outside a transaction */
bool db_in_transaction(const struct db *db);
uint64_t db_last_id(const struct db *db); /* the AUTO_INCREMENT of the last INSERT */

/* Statement calls. `id` is STMT_… of statements.h; in a multi-row statement every row's arguments are given one after the other,
 * row by row, after the single ones before the group. All rows of a result are read into the arena before call_run returns.
 *
 *   struct call c = call_of(db, STMT_STATES_LOAD, arena, n_rows);
 *   call_u32(&c, tenant.v); …; r = call_run(&c);
 *   while (call_next(&c)) { v = col_i64(&c); s = col_bytes(&c); }
 */
struct call {
    struct db *db;
    struct arena *arena;
    const struct statement *def;
    size_t rows; /* of the group, 1 where there is none */
    struct call_args *args;
    struct call_result *result;
    uint64_t affected;
    size_t at, column; /* of the row to be read */
};
struct call call_of(struct db *db, int statement, struct arena *a, size_t rows);
void call_i64(struct call *c, int64_t v);
void call_u64(struct call *c, uint64_t v);
void call_u32(struct call *c, uint32_t v);
void call_bytes(struct call *c, struct str v); /* VARBINARY, BLOB and text alike; the length is explicit */
void call_null(struct call *c);
MUST_CHECK enum db_result call_run(struct call *c); /* wrong number or type of arguments is a MUST */
size_t call_count(const struct call *c);            /* rows of the result */
bool call_next(struct call *c);
int64_t col_i64(struct call *c);
uint64_t col_u64(struct call *c);
struct str col_bytes(struct call *c); /* p NULL where the column is NULL */

#endif
