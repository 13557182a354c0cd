/* sql/partitions.h: the partitions of outcomes by day, for `job partitions` (MECHANICS 1, "Retention").
 *
 * A partition ends before a day; the last one, without an end, takes whatever comes after. Each change waits 1 s for running
 * transactions (DB_BUSY): the caller backs off and tries again, so that awards never wait behind it for longer. */
#ifndef SQL_PARTITIONS_H
#define SQL_PARTITIONS_H

#include "sql/db.h"

struct partition_row {
    uint32_t before_day; /* it holds the days from the former one's to before this; 0: the last, without an end */
};
enum db_result partitions_list(struct db *db, struct arena *a, struct partition_row **out,
                               size_t *n_out); /* ascending, the last included */
/* Splits the last partition at a day beyond all others. Cheap while it holds nothing. DB_CONFLICT: it is there, or a later one is. */
enum db_result partition_add(struct db *db, uint32_t before_day);
/* Drops the partition that ends before the day, with all its outcomes; only the first makes sense. DB_NOT_FOUND: there is none. */
enum db_result partition_drop(struct db *db, uint32_t before_day);

#endif
