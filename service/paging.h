/* service/paging.h: what the lists of the administrator share: their frame, and the cursor of rows in the order in which they were made.
 * What a list holds bounds no buffer: a page ends where it has as many rows as were asked for, or PAGE_BYTES_ENOUGH. */
#ifndef SERVICE_PAGING_H
#define SERVICE_PAGING_H

#include "base/json.h"

struct paging { /* {"data":[…],"next_cursor":…}; stays where it was opened */
    struct buf text;
    struct json_writer w;
    size_t n, limit; /* rows put, rows asked for */
};
void paging_open(struct paging *p, struct arena *a, size_t limit);
bool paging_full(const struct paging *p);                          /* the next row begins another page */
struct str paging_close(struct paging *p, struct str next_cursor); /* "": null, this was the last page */

struct made_at { /* behind which row the page begins; all 0: before the first */
    int64_t created_at;
    struct str id;
};
struct str made_cursor(struct arena *a, struct made_at last);
MUST_CHECK bool made_cursor_parse(struct arena *a, struct str text, struct made_at *out); /* "": before the first */

#endif
