/* service/following.h: reading a lane in its order, for whoever follows the change log: the roll-up and verify (MECHANICS 3). */
#ifndef SERVICE_FOLLOWING_H
#define SERVICE_FOLLOWING_H

#include "sql/proof.h"

/* From after n on day `day` to to_n on day to_day, both included. What a `lane` row says is there, all of it, for whoever reads it
 * afterwards: the row is written in the same transaction. So to_n and to_day come from there, read before. */
struct following {
    uint16_t lane;
    uint32_t day, to_day;
    uint64_t n, to_n;
};
/* The next whole transactions, about `limit` rows, without what is sealed; *n_out 0: the end. Each day is read by equality. */
MUST_CHECK enum db_result follow(struct db *db, struct arena *a, struct following *f, size_t limit, struct outcome_row **out,
                                 size_t *n_out);
/* The day of the oldest outcome that is kept; 0: there is none. Where nobody has followed a lane yet. */
MUST_CHECK enum db_result first_day_kept(struct db *db, struct arena *a, uint32_t *out);

#endif
