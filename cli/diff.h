/* cli/diff.h: a JSON value as lines, and two of them compared line by line. */
#ifndef CLI_DIFF_H
#define CLI_DIFF_H

#include "base/json.h"

struct lines {
    struct str *items;
    size_t n, cap;
};
/* Pretty-printed, two spaces deeper with each level; what fits on a line stays on one. Control characters are replaced. */
void json_lines(struct arena *a, const struct json *v, struct lines *out);

enum diff_mark { DIFF_SAME, DIFF_REMOVED, DIFF_ADDED, DIFF_SKIPPED /* lines that are the same, left out */ };
struct diff_line {
    enum diff_mark mark;
    struct str text;
};
struct diff {
    struct diff_line *items;
    size_t n, cap;
};
/* As few lines removed and added as can be (very long differences as a whole), with up to `context` lines around them. A comma at the
 * end of a line makes no difference: it moves when something is added behind it. */
void diff_lines(struct arena *a, const struct lines *before, const struct lines *after, size_t context, struct diff *out);

#endif
