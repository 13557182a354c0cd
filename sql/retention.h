/* sql/retention.h: what the installation remembers of what it has forgotten.
 *
 * Identities and outcomes are emptied by age; which of them must still be there cannot be told from the rows that are left. So the
 * days are raised before anything is taken away: of each day from there on everything is there. */
#ifndef SQL_RETENTION_H
#define SQL_RETENTION_H

#include "sql/db.h"

struct kept {
    int64_t identities_ms;   /* the retention of identities by which the last ones were emptied; 0: none ever were */
    uint32_t identities_day; /* identities received on this day or later are all there */
    uint32_t outcomes_day;   /* outcomes of this day or later are all there */
};
enum db_result kept_read(struct db *db, struct arena *a, struct kept *out);
enum db_result kept_raise_identities_day(struct db *db, struct arena *a, uint32_t day); /* these never go back */
enum db_result kept_raise_outcomes_day(struct db *db, struct arena *a, uint32_t day);
enum db_result kept_write_identities_ms(struct db *db, struct arena *a, int64_t ms);
/* In a transaction: one at a time from here until it ends. */
enum db_result kept_lock(struct db *db, struct arena *a, struct kept *out);
/* Of every tenant: max(what it is, this). */
enum db_result watermarks_raise(struct db *db, struct arena *a, int64_t watermark_ms);
/* Everybody who follows the lanes. */
enum db_result follower_names(struct db *db, struct arena *a, struct str **out, size_t *n_out);

#endif
