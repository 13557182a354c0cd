/* service/adjust.c: manual awards, deductions and corrections with a reason and the actor (B6). */
#include "service/change.h"
#include "service/inside.h"

static enum problem decide(struct change *c, struct faults *f) {
    const struct adjustment_in *in = c->ctx;
    struct adjustment adj = {.currency = program_currency(c->program, in->currency), .amount = in->amount};
    if (adj.currency == NULL) {
        return fault_add(f, P_VALIDATION, STR("/currency"), "the tenant has no currency \"" STR_FMT "\"", STR_ARG(in->currency));
    }
    c->sealed = (struct sealed){.reason = in->reason, .actor = in->actor};
    return settle_adjustment(c->program, c->state, &adj, &c->env, c->a, &c->outcome, f);
}

enum problem member_adjust(struct service *s, struct arena *a, const struct tenant_row *t, struct str member,
                           const struct adjustment_in *in, const struct write_key *key, int64_t now_ms, struct write_answer *out,
                           struct faults *f) {
    struct adjustment_in copy = *in;
    struct change c = {
        .s = s, .a = a, .tenant = t, .external_id = member, .key = key, .status = 201, .now_ms = now_ms, .decide = decide, .ctx = &copy};
    c.actor = key != NULL ? key->key_id : STR("command");
    c.action = STR("member.adjust");
    c.detail = str_printf(a, "{\"currency\":\"" STR_FMT "\",\"amount\":%lld}", STR_ARG(in->currency),
                          (long long)in->amount); /* a code needs no escapes */
    enum problem p = change_member(&c, f);
    if (p != P_OK) return p;
    struct buf b = buf_new(a, SIZE_MAX); /* bounded by the outcome and the definitions */
    struct json_writer w = json_writer_of(&b);
    adjustment_render(&w, a, &c.outcome, c.program, member, c.sealed.reason, c.sealed.actor);
    MUST(buf_ok(&b));
    *out = (struct write_answer){.status = 201, .body = buf_str(&b), .replayed = c.replayed};
    return P_OK;
}
