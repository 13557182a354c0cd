#include "handlers/answering.h"

#include "base/limits.h"
#include "http/headers.h"

void answer_with(struct request *r, enum problem p, int status, struct response *out) {
    if (p != P_OK) {
        problem_answer(r, p, out);
    } else {
        out->status = status;
    }
}

void answer_write(struct request *r, enum problem p, const struct write_answer *answer, struct response *out) {
    if (p != P_OK) {
        problem_answer(r, p, out);
        return;
    }
    out->status = answer->status;
    out->body = answer->body;
    out->replayed = answer->replayed;
}

enum problem query_wrong(struct request *r, const char *name, const char *must) {
    return fault_say(&r->faults, P_BAD_REQUEST, "the query parameter %s must be %s", name, must);
}

enum problem query_limit(struct request *r, size_t *limit) {
    static_assert(PAGE_MAX == 200, "the text below says it");
    struct str text;
    int64_t n = PAGE_DEFAULT;
    if (query_get(r, "limit", &text) && !str_to_i64(text, 1, PAGE_MAX, &n)) return query_wrong(r, "limit", "a whole number from 1 to 200");
    *limit = (size_t)n;
    return P_OK;
}

const char *const page_params[] = {"limit", "cursor", NULL};

enum problem query_page(struct request *r, size_t *limit, struct str *cursor) {
    enum problem p = query_limit(r, limit);
    return p == P_OK && query_get(r, "cursor", cursor) && cursor->n == 0 ? P_CURSOR : p;
}

struct str version_etag(struct arena *a, uint64_t version) {
    return str_printf(a, "\"v%llu\"", (unsigned long long)version);
}

enum problem if_match_version(struct request *r, uint64_t *version) {
    struct str rest = r->if_match;
    struct etag tag, further;
    int64_t v;
    if (rest.n == 0) return fault_say(&r->faults, P_PRECONDITION, "send If-Match with the ETag that this change was made from");
    bool one = etag_next(&rest, &tag) && !etag_next(&rest, &further), ours = one && !tag.weak && tag.text.n > 3 && tag.text.p[1] == 'v';
    ours = ours && str_to_i64((struct str){tag.text.p + 2, tag.text.n - 3}, 0, INT64_MAX, &v);
    if (!ours) return fault_say(&r->faults, P_VERSION, "If-Match must name the one version that this change was made from, such as \"v7\"");
    *version = (uint64_t)v;
    return P_OK;
}

const struct write_key *optional_key(struct service *s, struct request *r) {
    if (r->idempotency_key.n == 0) return NULL;
    struct write_key *key = NEW(r->arena, struct write_key);
    *key = request_write_key(s, r);
    return key;
}
