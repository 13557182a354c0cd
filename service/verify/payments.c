/* service/verify/payments.c: invariant 10 for rule_paid: each row is a payment of a rule with a cooldown that an outcome tells, and each
 * such payment that a late event may still ask for has its row. */
#include <stdlib.h>

#include "base/clock.h"
#include "service/verify/verifying.h"

static int by_rule_and_time(const void *x, const void *y) {
    const struct rule_payment *a = x, *b = y;
    if (a->rule != b->rule) return a->rule < b->rule ? -1 : 1;
    return a->time_ms < b->time_ms ? -1 : a->time_ms > b->time_ms;
}

/* Retention empties what is older than window and cooldown, by the configuration in force when it ran: what lies within the narrowest
 * window that the tenant ever had is surely there. Where the clock was set back, retention remembers a later day than ours. */
enum db_result payments_due(struct verifying *v, struct tenant_view *t) {
    struct definition_row *rows;
    size_t n;
    int64_t now = clock_now_ms(), window = WINDOW_MS_DEFAULT;
    enum db_result r = definition_history(v->db, t->a, t->row->id, STR("settings"), STR("settings"), INT64_MAX, UINT32_MAX, &rows, &n);
    for (size_t i = 0; i < n && r == DB_OK; i++) {
        struct json body;
        struct faults faults = faults_new(t->a);
        int64_t s;
        if (json_parse(t->a, rows[i].body, &body, &faults) != P_OK) continue;
        const struct json *said = json_get(&body, "late_window_s");
        if (said != NULL && json_is_integer(said, 1, JSON_INTEGER_MAX, &s) && s < window / MS_SECOND) window = s * MS_SECOND;
    }
    int64_t ran = t->kept.identities_day > 0 ? (t->kept.identities_day + 1) * MS_DAY + t->kept.identities_ms : 0;
    t->payments_from_ms = (now > ran ? now : ran) - window + MS_MINUTE; /* retention may run now */
    return r;
}

static void tell(struct verifying *v, const struct tenant_view *t, const struct member_view *m, const struct rule_payment *p,
                 struct arena *a, const char *what) {
    struct str rule = code_text(a, t, CODE_RULE, p->rule);
    bool sane = p->time_ms >= TIME_MS_MIN && p->time_ms <= TIME_MS_MAX;
    struct str time = sane ? time_text(a, p->time_ms) : str_printf(a, "%lld", (long long)p->time_ms);
    struct str where = str_printf(a, STR_FMT " rule_paid " STR_FMT " " STR_FMT, STR_ARG(member_text(a, m)), STR_ARG(rule), STR_ARG(time));
    violation(v, 10, t->row->code, where, "%s", what);
}

/* An erased member's rows are gone; without all outcomes, and their configurations, nobody knows what was paid. */
void verify_payments(struct verifying *v, struct tenant_view *t, const struct member_view *m, struct recount *r, struct arena *a) {
    size_t i = 0, k = 0, n = r->paid.n;
    struct rule_payment *due = r->paid.items;
    bool erased = m->key != NULL && !m->key->has_key;
    if (n > 0) qsort(due, n, sizeof *due, by_rule_and_time);
    while (i < m->n_payments || k < n) {
        const struct rule_payment *row = &m->payments[i];
        int order = i == m->n_payments ? 1 : k == n ? -1 : by_rule_and_time(row, &due[k]);
        if (order <= 0) {
            v->out->counters++;
            note_number(t, CODE_RULE, row->rule);
        }
        if (order < 0 && r->whole && r->usable) tell(v, t, m, row, a, "no outcome paid this rule at this time");
        if (order > 0 && !erased && due[k].time_ms >= t->payments_from_ms)
            tell(v, t, m, &due[k], a, "was paid, but has no row: a late event within its cooldown would be paid too");
        i += order <= 0;
        k += order >= 0;
    }
}
