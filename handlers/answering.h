/* handlers/answering.h: what handlers share: a problem or a body as the answer, limits and cursors of lists, strong ETags. */
#ifndef HANDLERS_ANSWERING_H
#define HANDLERS_ANSWERING_H

#include "http/route.h"
#include "service/write.h"

/* p, or out->body with this status. */
void answer_with(struct request *r, enum problem p, int status, struct response *out);
/* p, or the answer of a write. */
void answer_write(struct request *r, enum problem p, const struct write_answer *answer, struct response *out);
/* "limit" from 1 to PAGE_MAX, PAGE_DEFAULT where it is absent. */
MUST_CHECK enum problem query_limit(struct request *r, size_t *limit);
/* The two parameters of every list, page_params; the cursor "" where it is absent, P_CURSOR where it is empty. */
extern const char *const page_params[];
MUST_CHECK enum problem query_page(struct request *r, size_t *limit, struct str *cursor);
enum problem query_wrong(struct request *r, const char *name, const char *must); /* P_BAD_REQUEST with a text */

/* A version as a strong ETag: "v7" in quotes. */
struct str version_etag(struct arena *a, uint64_t version);
/* If-Match as such a version: P_PRECONDITION where it is absent, P_VERSION where it does not name one version of ours, such as "*". */
MUST_CHECK enum problem if_match_version(struct request *r, uint64_t *version);
/* The client's key as the scope of the write; NULL where none was sent. */
const struct write_key *optional_key(struct service *s, struct request *r);

#endif
