/* http/headers.h: what header fields may be; for http/ and the CloudEvents. */
#ifndef HTTP_HEADERS_H
#define HTTP_HEADERS_H

#include "base/str.h"

enum { KEY_CHARS_MAX = 255 }; /* of an Idempotency-Key: what the database keeps */

/* The credential of "Bearer …", "" where there is none. */
struct str bearer_of(struct str authorization);
/* The type itself, whatever its parameters but a charset that is not utf-8. */
bool media_type_is(struct str content_type, const char *type);
/* application/json, with no parameter but charset=utf-8. */
bool is_json_type(struct str content_type);
/* A Structured Field string ("…") or the bare text, 1–255 characters of visible ASCII; a space stands within quotes only. */
MUST_CHECK bool idempotency_key_parse(struct arena *a, struct str field, struct str *key);

#endif
