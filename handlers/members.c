/* handlers/members.c: what is read of one member: /v1/members/{member}/points, /levels, /transactions. */
#include "service/members.h"

#include "base/ids.h"
#include "base/numbers.h"
#include "base/zone.h"
#include "handlers/answering.h"
#include "handlers/handlers.h"

void points_get(struct service *s, struct request *r, struct response *out) {
    answer_with(r, member_points(s, r->arena, &r->who.tenant, r->params[0], r->now_ms, &out->body, &r->faults), 200, out);
}

void levels_get(struct service *s, struct request *r, struct response *out) {
    answer_with(r, member_levels(s, r->arena, &r->who.tenant, r->params[0], &out->body, &r->faults), 200, out);
}

/* ---- /transactions ---- */

const char *const transactions_params[] = {"currency", "kind", "from", "to", "limit", "cursor", NULL};

static enum problem wrong_kind(struct request *r) {
    struct buf names = buf_new(r->arena, 256);
    for (int kind = 0; kind < KIND__MAX; kind++) {
        const char *name = transfer_kind_name((enum transfer_kind)kind);
        if (name != NULL) buf_f(&names, "%s%s", names.n > 0 ? "," : "", name);
    }
    MUST(buf_ok(&names));
    return query_wrong(r, "kind", str_z(r->arena, str_printf(r->arena, "some of " STR_FMT, STR_ARG(buf_str(&names)))));
}

static enum problem read_kinds(struct request *r, uint32_t *kinds) {
    struct str text;
    if (!query_get(r, "kind", &text)) return P_OK;
    for (struct str rest = text; rest.p != NULL;) {
        enum transfer_kind kind;
        if (!transfer_kind_of(str_cut(&rest, ','), &kind)) return wrong_kind(r);
        *kinds |= 1u << kind;
    }
    return P_OK;
}

static enum problem read_time(struct request *r, const char *name, int64_t *ms) {
    struct str text;
    if (!query_get(r, name, &text) || time_parse(text, ms)) return P_OK;
    return query_wrong(r, name, "a time as in RFC 3339, such as 2026-11-21T10:00:00.000Z");
}

static enum problem read_query(struct request *r, struct transactions_query *q) {
    *q = (struct transactions_query){.from_ms = INT64_MIN, .to_ms = INT64_MAX};
    if (query_get(r, "currency", &q->currency) && !code_is_valid(q->currency)) return query_wrong(r, "currency", "the code of a currency");
    enum problem p = read_kinds(r, &q->kinds);
    if (p == P_OK) p = read_time(r, "from", &q->from_ms);
    if (p == P_OK) p = read_time(r, "to", &q->to_ms);
    if (p == P_OK && q->from_ms > q->to_ms) p = query_wrong(r, "from", "no later than to");
    if (p == P_OK) p = query_limit(r, &q->limit);
    if (p != P_OK) return p;
    return query_get(r, "cursor", &q->cursor) && q->cursor.n == 0 ? P_CURSOR : P_OK;
}

void transactions_list(struct service *s, struct request *r, struct response *out) {
    struct transactions_query q;
    enum problem p = read_query(r, &q);
    if (p == P_OK) p = member_transactions(s, r->arena, &r->who.tenant, r->params[0], &q, &out->body, &r->faults);
    answer_with(r, p, 200, out);
}
