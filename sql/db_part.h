/* sql/db_part.h: between db.c (the client library) and db_call.c (typed calls); nobody else includes it. */
#ifndef SQL_DB_PART_H
#define SQL_DB_PART_H

#include "sql/db.h"
#include "sql/statements.h"

/* A full set of an array has 100 events: one statement each, not three. */
enum { GROUP_ROWS_MAX = 100, GROUP_EXACT_MAX = 16 };

/* An argument or a column. Its address, and those of length and null, are what the client library is given. */
struct cell {
    char letter; /* of the catalogue */
    bool null;
    union {
        int64_t i;
        uint64_t u;
        struct str s;
    };
};

struct call_args {
    LIST(struct cell) cells;
};
struct call_result {
    LIST(struct cell) cells; /* row by row */
    size_t rows;
};

/* Connections that were made to see whether the server says its first word, to each address that its name has; they say no more than that.
 * The first address that takes the connection is the one that counts, as for the client library. */
enum { GREETING_ADDRESSES_MAX = 8 };
struct greeting {
    int fds[GREETING_ADDRESSES_MAX]; /* in the order of the addresses; −1: it refused */
    size_t n;                        /* 0: none was begun */
    int64_t since_us;
};
struct addrinfo;
void greeting_begin(struct greeting *g, const struct addrinfo *addresses, int64_t now_us);
bool greeting_look(struct greeting *g, const struct db_address *address, int64_t now_us);
void greeting_end(struct greeting *g);

/* Runs one prepared form of a statement: group_rows is 1 … 16, 32, 64 or 100 (1 where there is no group), args are all of its binds.
 * Adds the result's rows to `out` and the affected rows to *affected. */
enum db_result db_execute(struct db *db, struct arena *a, const struct statement *def, size_t group_rows, const struct cell *args,
                          size_t n_args, struct call_result *out, uint64_t *affected);

/* A command outside a transaction (DDL): DB_UNKNOWN where the connection was lost under it. */
enum db_result db_alter(struct db *db, enum command id, const uint32_t *numbers, size_t n);

#endif
