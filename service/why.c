/* service/why.c: why a rule would pay a member now, or not, and when it next can (A16). Reads one moment, writes nothing. */
#include "engine/explain.h"
#include "service/needs.h"
#include "service/people.h"

enum {
    LOOK_BACK_ROWS = 400, /* how many of a member's latest outcomes are searched for the last payment */
};

static bool has_paid(const struct outcome *o, uint16_t rule) {
    for (size_t i = 0; i < o->grants.n; i++) {
        if (o->grants.items[i].cause == CAUSE_RULE && o->grants.items[i].cause_no == rule) return true;
    }
    return false;
}

struct last_payment {
    int64_t at;             /* time of the event; 0: none was found */
    int64_t unknown_before; /* what was settled before this was not looked through, or is no longer kept; 0: all was */
};

/* A rule with a cooldown keeps the time in the state row. For others the member's latest outcomes are searched: each version has one. */
static enum problem last_paid(struct service *s, struct arena *a, const struct member_found *m, const struct rule *r, int64_t now_ms,
                              struct last_payment *out, struct faults *f) {
    const struct counter *c = r->cooldown_ms > 0 ? state_counter(m->state, COUNTER_COOLDOWN, r->no, PERIOD_EVER) : NULL;
    uint64_t version = m->state->version + 1;
    *out = (struct last_payment){.at = c != NULL ? c->value : 0, .unknown_before = now_ms};
    for (size_t seen = 0, n; out->at == 0 && version > 1 && seen < LOOK_BACK_ROWS; seen += n) {
        struct outcome_row *rows;
        enum db_result result = outcomes_backwards(s->db, a, m->state->tenant, m->no, version, LOOK_BACK_ROWS / 4, &rows, &n);
        if (result != DB_OK || n == 0) return service_problem(result, f);
        for (size_t i = 0; i < n && out->at == 0; i++) {
            struct outcome o = {0};
            if (!outcome_decode(a, rows[i].clear, &o)) return P_INTERNAL;
            if (has_paid(&o, r->no)) out->at = o.event_time;
            out->unknown_before = o.settled_at;
        }
        version = rows[n - 1].member_version;
    }
    if (out->at != 0 || version <= 1) out->unknown_before = 0;
    return P_OK;
}

static enum db_result load(struct service *s, struct arena *a, const struct member_found *m, const struct question *q) {
    struct member_ref ref = {m->state->tenant, m->no};
    struct profile_row profile;
    struct needs needs = {.again = true};
    enum db_result r = profile_load(s, a, ref, m->state, &profile);
    while (needs.again && r == DB_OK) {
        rule_needs(m->program, m->state, q->rule, q->time_ms, a, &needs);
        needs.profile = false;
        r = needs_load(s, a, ref, m->state, &needs);
    }
    return r;
}

static void put_time(struct json_writer *w, const char *key, int64_t ms) {
    json_key(w, key);
    if (ms != 0) {
        json_put_time(w, ms);
    } else {
        json_put_null(w);
    }
}

static struct str answer_text(struct arena *a, const struct member_found *m, const struct explanation *x, const struct last_payment *paid) {
    struct buf b = buf_new(a, SIZE_MAX); /* bounded by the definitions */
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    json_key(&w, "member");
    json_put_str(&w, m->external_id);
    json_key(&w, "rule");
    json_put_str(&w, x->asked.rule->code);
    put_time(&w, "at", x->asked.time_ms);
    json_key(&w, "config_version");
    json_put_i64(&w, (int64_t)m->program->version);
    explanation_render(&w, a, x, m->state);
    put_time(&w, "last_paid_at", paid->at);
    put_time(&w, "last_paid_unknown_before", paid->unknown_before);
    json_close_object(&w);
    return buf_str(&b);
}

static enum problem explain(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, const struct why_query *q,
                            struct str *out, struct faults *f) {
    struct member_found m;
    struct explanation x;
    struct last_payment paid;
    enum problem p = member_find(s, a, t, member, &m, f);
    if (p != P_OK) return p;
    struct question question = {.rule = program_rule(m.program, q->rule), .time_ms = q->time_ms, .type = q->type, .data = q->data};
    if (question.rule == NULL) return fault_say(f, P_NOT_FOUND, "the tenant has no rule \"" STR_FMT "\"", STR_ARG(q->rule));
    p = last_paid(s, a, &m, question.rule, q->now_ms, &paid, f);
    if (p == P_OK) p = service_problem(load(s, a, &m, &question), f);
    if (p != P_OK) return p;
    explain_rule(m.program, m.state, &question, service_tenant_keys(s, t->id), a, &x);
    *out = answer_text(a, &m, &x, &paid);
    return P_OK;
}

enum problem member_why(struct service *s, struct arena *a, const struct tenant_row *t, struct str member, const struct why_query *q,
                        struct str *out, struct faults *f) {
    enum db_result r = db_begin_snapshot(s->db);
    if (r != DB_OK) return service_problem(r, f);
    enum problem p = explain(s, a, t, member, q, out, f);
    db_rollback(s->db);
    return p;
}
