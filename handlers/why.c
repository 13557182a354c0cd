/* handlers/why.c: GET /v1/members/{member}/why?rule=R (A16). */
#include "base/ids.h"
#include "base/limits.h"
#include "base/zone.h"
#include "handlers/answering.h"
#include "handlers/handlers.h"
#include "service/people.h"

const char *const why_params[] = {"rule", "at", "type", "data", NULL};

static enum problem read_event(struct request *r, struct why_query *q) {
    struct str text;
    if (query_get(r, "type", &q->type) && (q->type.n < 1 || q->type.n > TYPE_BYTES_MAX))
        return query_wrong(r, "type", "the type of an event");
    if (!query_get(r, "data", &text)) return P_OK;
    struct json *data = NEW(r->arena, struct json);
    struct faults faults = faults_new(r->arena);
    if (json_parse(r->arena, text, data, &faults) != P_OK || data->type != JSON_OBJECT) {
        return query_wrong(r, "data", "a JSON object, such as {\"rating\":5}");
    }
    q->data = data;
    return P_OK;
}

static enum problem read_query(struct request *r, struct why_query *q) {
    struct str at;
    q->time_ms = q->now_ms = r->now_ms;
    if (!query_get(r, "rule", &q->rule) || !code_is_valid(q->rule)) return query_wrong(r, "rule", "the code of a rule");
    if (query_get(r, "at", &at) && (!time_parse(at, &q->time_ms) || q->time_ms < TIME_MS_MIN || q->time_ms > TIME_MS_MAX)) {
        return query_wrong(r, "at", "a time as in RFC 3339, such as 2026-11-21T10:00:00.000Z");
    }
    return read_event(r, q);
}

void why_get(struct service *s, struct request *r, struct response *out) {
    struct why_query q = {0};
    enum problem p = read_query(r, &q);
    if (p == P_OK) p = member_why(s, r->arena, &r->who.tenant, r->params[0], &q, &out->body, &r->faults);
    answer_with(r, p, 200, out);
}
