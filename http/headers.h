/* http/headers.h: what header fields may be; for http/ and the CloudEvents. */
#ifndef HTTP_HEADERS_H
#define HTTP_HEADERS_H

#include "base/str.h"

enum { KEY_CHARS_MAX = 255 }; /* of an Idempotency-Key: what the database keeps */

/* Whether a value may be that of several header fields, as a web server joins them (nginx from 1.23 on; before, each is a parameter of its
 * own): for fields in which a comma and a space never stand next to each other. */
bool header_joined(struct str value);
/* The credential of "Bearer …", "" where there is none. */
struct str bearer_of(struct str authorization);
/* The type itself, whatever its parameters but a charset that is not utf-8. */
bool media_type_is(struct str content_type, const char *type);
/* Whether a Content-Encoding says that there is none. */
bool is_plain(struct str content_encoding);
/* application/json, with no parameter but charset=utf-8. */
bool is_json_type(struct str content_type);
/* One entity tag of a list, as If-Match and If-None-Match have (RFC 9110, 8.8.3): cut off the front of `rest`, which is then what comes
 * behind it. false: there is none; what is left of `rest` is malformed. */
struct etag {
    bool weak;
    struct str text; /* with its quotes, without W/ */
};
bool etag_next(struct str *rest, struct etag *out);
/* Whether a list, or "*", names the tag, weak or not: what If-None-Match asks. A malformed list names what stands before its fault. */
bool etag_listed(struct str list, struct str etag);
/* Whether it is a list of at least one tag, or "*". */
bool etags_are_valid(struct str list);
/* Whether a list, or "*", names the tag, and both are strong: what If-Match asks. */
bool etag_matched(struct str list, struct str etag);
/* A Structured Field string ("…") or the bare text, 1–255 characters of visible ASCII; a space stands within quotes only. */
MUST_CHECK bool idempotency_key_parse(struct arena *a, struct str field, struct str *key);

#endif
