/* cli/member_page.h: a member on one page, from what the service's answers say. */
#ifndef CLI_MEMBER_PAGE_H
#define CLI_MEMBER_PAGE_H

#include "cli/cli.h"

struct member_page {
    struct json state;   /* member_show's */
    struct json profile; /* member_profile's: points and levels */
    struct json events;  /* member_events's */
};
void put_member_page(struct cli *c, const struct member_page *page, struct buf *out);
/* One event of that list: what it earned and what it did not, a line each. */
void put_event(struct cli *c, const struct json *event, struct buf *out);

#endif
