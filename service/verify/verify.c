/* service/verify/verify.c: the order of a run: the lanes, then each tenant's members and identities; and the report.
 *
 * Invariant 2 is proved at a moving cut (sums.c): tenant-side balances are brought from the roll-ups to the cut by folding the
 * lanes, wallets are added slice by slice, and with each slice the cut moves to where that slice's snapshot stood. */
#include <stdarg.h>
#include <stdio.h>

#include "service/verify/verifying.h"

/* ---- the report ---- */

void violation(struct verifying *v, int invariant, struct str tenant, struct str where, const char *what, ...) {
    if (v->out->violations.n >= VIOLATIONS_MAX) {
        v->out->more++;
        return;
    }
    char text[512];
    va_list args;
    va_start(args, what);
    vsnprintf(text, sizeof text, what, args);
    va_end(args);
    *LIST_PUSH(v->a, &v->out->violations) = (struct violation){
        .invariant = invariant,
        .tenant = str_copy(v->a, tenant),
        .where = str_copy(v->a, where),
        .what = str_copy(v->a, str_of(text)),
    };
}

void verify_progress(struct verifying *v, const char *phase, uint64_t done, uint64_t of) {
    if (v->options->progress != NULL) v->options->progress(v->options->ctx, phase, done, of);
}

enum db_result verify_mark(struct verifying *v, struct verify_mark *mark) {
    struct arena *a = arena_new();
    enum db_result r = kept_read(v->db, a, &v->kept);
    arena_free(&a);
    mark->report = *v->out;
    mark->kept = v->kept;
    return r;
}

enum db_result verify_again(struct verifying *v, const struct verify_mark *mark, bool *again) {
    struct arena *a = arena_new();
    enum db_result r = kept_read(v->db, a, &v->kept);
    arena_free(&a);
    *again = r == DB_OK && (v->kept.identities_day != mark->kept.identities_day || v->kept.outcomes_day != mark->kept.outcomes_day);
    if (!*again) return r;
    struct violation *items = v->out->violations.items; /* the list may have grown: what was there before still is */
    size_t cap = v->out->violations.cap;
    *v->out = mark->report;
    v->out->violations.items = items;
    v->out->violations.cap = cap;
    return r;
}

struct str position_text(struct arena *a, struct position at) {
    return str_printf(a, "outcome day %u lane %u n %llu i %u", at.day, at.lane, (unsigned long long)at.n, at.i);
}

const char *part_name(enum part p) {
    switch (p) {
    case PART_AVAILABLE: return "available";
    case PART_HELD: return "held";
    case PART__MAX: break;
    }
    return "unknown";
}

int64_t narrow(__int128 v) {
    if (v > INT64_MAX) return INT64_MAX;
    return v < INT64_MIN ? INT64_MIN : (int64_t)v;
}

int64_t sum_capped(int64_t a, int64_t b) { return narrow((__int128)a + b); }

struct str code_text(struct arena *a, const struct tenant_view *t, enum code_kind kind, uint16_t no) {
    for (size_t i = 0; i < t->n_codes; i++) {
        if (t->codes[i].kind == kind && t->codes[i].no == no) return t->codes[i].code;
    }
    return str_printf(a, "number %u", no);
}

/* ---- one tenant ---- */

static void check_sums(struct verifying *v, const struct tenant_view *t) {
    const struct tenant_sums *sums = &v->sums[t->index];
    for (size_t i = 0; i < sums->list.n; i++) {
        const struct currency_sum *x = &sums->list.items[i];
        if (x->sum == 0) continue;
        struct str code = code_text(t->a, t, CODE_CURRENCY, x->currency);
        violation(v, 2, t->row->code, str_printf(t->a, "currency " STR_FMT, STR_ARG(code)),
                  "wallets and tenant-side accounts (roll-ups and what the lanes add to them) come to %lld together instead of 0",
                  (long long)narrow(x->sum));
    }
    for (size_t i = 0; i < sums->accounts.list.n; i++) {
        const struct account_sum *x = &sums->accounts.list.items[i];
        if (x->sum == 0) continue;
        const char *name = account_name((enum account)x->account);
        struct str code = code_text(t->a, t, CODE_CURRENCY, x->currency);
        violation(v, 2, t->row->code, str_printf(t->a, "currency " STR_FMT " account %s", STR_ARG(code), name != NULL ? name : "unknown"),
                  "the entries that name it and its own balance (roll-up and what the lanes add to it) come to %lld together instead of 0",
                  (long long)narrow(x->sum));
    }
}

static enum db_result verify_tenant(struct verifying *v, size_t index) {
    struct tenant_view t = {.row = &v->tenants[index], .index = index, .a = arena_new()};
    t.keys = service_tenant_keys(v->s, t.row->id);
    enum db_result r = codes_read(v->db, t.a, t.row->id, &t.codes, &t.n_codes);
    if (r == DB_OK) r = kept_read(v->db, t.a, &t.kept);
    if (r == DB_OK) r = payments_due(v, &t);
    if (r == DB_OK) r = verify_members(v, &t);
    if (r == DB_OK) {
        check_sums(v, &t);
        r = verify_identities(v, &t);
    }
    if (r == DB_OK) r = verify_codes(v, &t);
    v->out->tenants++;
    programs_trim(v->s);
    arena_free(&t.a);
    return r;
}

static enum db_result choose_tenants(struct verifying *v) {
    if (v->options->tenant.v == 0) return tenant_list(v->db, v->run, &v->tenants, &v->n_tenants);
    v->tenants = NEW(v->run, struct tenant_row);
    v->n_tenants = 1;
    return tenant_by_id(v->db, v->run, v->options->tenant, v->tenants);
}

static enum db_result run(struct verifying *v) {
    enum db_result r = choose_tenants(v);
    if (r == DB_OK && !v->options->own) r = verify_lanes(v);
    if (r == DB_OK) r = sums_begin(v);
    for (size_t i = 0; i < v->n_tenants && r == DB_OK; i++) r = verify_tenant(v, i);
    return r;
}

enum problem verify_run(struct service *s, struct arena *a, const struct verify_options *o, struct verify_report *out, struct faults *f) {
    *out = (struct verify_report){0};
    struct verifying v = {.s = s, .db = s->db, .a = a, .run = arena_new(), .options = o, .out = out, .faults = f};
    enum db_result r = run(&v);
    db_rollback(s->db);
    arena_free(&v.run);
    if (r == DB_NOT_FOUND) return fault_say(f, P_NOT_FOUND, "there is no such tenant");
    return r == DB_CONFLICT ? P_INTERNAL : service_problem(r, f);
}
