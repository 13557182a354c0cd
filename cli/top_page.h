/* cli/top_page.h: one sample of a running pool (live_render's) as people read it. */
#ifndef CLI_TOP_PAGE_H
#define CLI_TOP_PAGE_H

#include "cli/cli.h"

void put_top_page(struct cli *c, const struct json *sample, struct buf *out);

#endif
