/* cli/changes.h: changes of definitions as people read them: + and - line by line, green and red. */
#ifndef CLI_CHANGES_H
#define CLI_CHANGES_H

#include "cli/cli.h"

void put_change(struct cli *c, const struct config_change *change, struct buf *out);
/* Of one definition, "data" of config_history: each version against the one before it, newest first. */
void put_history(struct cli *c, const struct json *data, struct buf *out);

#endif
