/* base/cursor.h: the opaque text of a list's cursor: base64url of a checksum and a payload that the list understands. The checksum
 * guards against mistakes, not against malice: a payload never decides what may be seen. */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include "base/str.h"

struct str cursor_text(struct arena *a, struct str payload);
MUST_CHECK bool cursor_parse(struct arena *a, struct str text, struct str *payload); /* false: not one of ours */

#endif
