/* service/history.h: a member's outcomes, newest first, in pieces; for the files of service/.
 *
 * The index that is there leads by day, so a piece is the latest days that have as many as are wanted: what lies before is not read. */
#ifndef SERVICE_HISTORY_H
#define SERVICE_HISTORY_H

#include "service/inside.h"

struct history {
    struct member_ref ref;
    uint32_t before_day; /* what was given lies after: of this day only lower versions follow */
    uint64_t before_version;
};
struct history history_of(struct member_ref ref); /* from the newest */
/* About `wanted` rows; none: there are no more. */
MUST_CHECK enum db_result history_next(struct service *s, struct arena *a, struct history *h, size_t wanted, struct outcome_row **rows,
                                       size_t *n);
void history_set(struct history *h, const struct outcome_row *row); /* behind this row */

#endif
