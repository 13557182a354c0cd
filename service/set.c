/* service/set.c: the one transaction of a set (MECHANICS 2, steps 1–7). */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/trap.h"
#include "engine/settle.h"
#include "service/inside.h"
#include "service/set.h"
#include "sql/ledger.h"
#include "sql/members.h"

/* One member of the set, with its items in order. */
struct member_work {
    struct member_ref ref;
    struct member_state *state;
    struct item **items;
    size_t n;
    bool asks; /* what it needs is to be asked (again) */
};
struct work_set { /* the transaction's own view */
    struct set *set;
    struct item **items; /* ITEM_NEW, then those of ours after step 1 */
    size_t n;
    struct member_work *members; /* sorted by (tenant, member) */
    size_t n_members;
    struct position at; /* i counts up */
    bool refused;       /* an item has its problem by now and is to be left out */
};

static int by_identity(const void *x, const void *y) {
    const struct identity_row *a = x, *b = y;
    if (a->tenant.v != b->tenant.v) return a->tenant.v < b->tenant.v ? -1 : 1;
    return memcmp(a->identity.b, b->identity.b, HASH16_BYTES);
}

/* ---- 1: identities ---- */

static enum db_result claim_identities(struct work_set *w) {
    struct set *set = w->set;
    struct identity_row *rows = NEW_ARRAY(set->a, struct identity_row, w->n), *found;
    size_t n_found;
    for (size_t i = 0; i < w->n; i++) {
        struct item *item = w->items[i];
        item->at = w->at;
        item->at.i = (uint16_t)i;
        rows[i] = (struct identity_row){.tenant = item->tenant.id,
                                        .identity = item->identity,
                                        .fingerprint = item->fingerprint,
                                        .at = item->at,
                                        .received_at = set->now_ms};
    }
    qsort(rows, w->n, sizeof *rows, by_identity);
    trap("before-identity");
    enum db_result r = identities_insert(set->s->db, set->a, rows, w->n);
    if (r == DB_OK) trap("after-identity");
    if (r == DB_OK) r = identities_find(set->s->db, set->a, rows, w->n, &found, &n_found);
    if (r != DB_OK) return r;
    qsort(found, n_found, sizeof *found, by_identity);
    size_t kept = 0;
    for (size_t i = 0; i < w->n; i++) {
        struct item *item = w->items[i];
        struct identity_row key = {.tenant = item->tenant.id, .identity = item->identity};
        const struct identity_row *row = bsearch(&key, found, n_found, sizeof *found, by_identity);
        MUST(row != NULL);
        if (position_eq(row->at, item->at)) {
            w->items[kept++] = item;
        } else {
            item->state = ITEM_REPEAT; /* settled elsewhere while we came here: the front answers it after this transaction */
        }
    }
    w->n = kept;
    return DB_OK;
}

/* ---- 2 and 3: members ---- */

static int by_member(const void *x, const void *y) {
    const struct member_work *a = x, *b = y;
    if (a->ref.tenant.v != b->ref.tenant.v) return a->ref.tenant.v < b->ref.tenant.v ? -1 : 1;
    return a->ref.member.v < b->ref.member.v ? -1 : a->ref.member.v > b->ref.member.v;
}

static struct member_work *work_of(const struct work_set *w, tenant_id t, member_no m) {
    struct member_work key = {.ref = {t, m}};
    return bsearch(&key, w->members, w->n_members, sizeof *w->members, by_member);
}

static void make_works(struct work_set *w) {
    struct arena *a = w->set->a;
    w->members = NEW_ARRAY(a, struct member_work, w->n);
    for (size_t i = 0; i < w->n; i++) w->members[i].ref = (struct member_ref){w->items[i]->tenant.id, w->items[i]->member};
    qsort(w->members, w->n, sizeof *w->members, by_member);
    w->n_members = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (w->n_members == 0 || by_member(&w->members[w->n_members - 1], &w->members[i]) != 0) w->members[w->n_members++] = w->members[i];
    }
    for (size_t i = 0; i < w->n; i++) work_of(w, w->items[i]->tenant.id, w->items[i]->member)->n++;
    for (size_t i = 0; i < w->n_members; i++) {
        w->members[i].items = NEW_ARRAY(a, struct item *, w->members[i].n);
        w->members[i].n = 0;
    }
    for (size_t i = 0; i < w->n; i++) {
        struct member_work *m = work_of(w, w->items[i]->tenant.id, w->items[i]->member);
        m->items[m->n++] = w->items[i];
    }
}

/* Locks and loads. DB_NOT_FOUND: a member was erased meanwhile; its items go back to the front. */
static enum db_result load_states(struct work_set *w) {
    struct set *set = w->set;
    struct member_ref *refs = NEW_ARRAY(set->a, struct member_ref, w->n_members);
    for (size_t i = 0; i < w->n_members; i++) refs[i] = w->members[i].ref;
    enum db_result r = states_lock(set->s->db, set->a, refs, w->n_members);
    if (r != DB_OK) return r;
    struct member_state *states;
    size_t n;
    r = states_load(set->s->db, set->a, refs, w->n_members, &states, &n);
    if (r != DB_OK) return r;
    MUST(n == w->n_members);
    for (size_t i = 0; i < n; i++) {
        struct member_work *m = work_of(w, states[i].tenant, states[i].member);
        MUST(m != NULL && m->state == NULL);
        m->state = &states[i];
        if (states[i].status == MEMBER_ERASED || states[i].status == MEMBER_MERGED) return DB_NOT_FOUND;
        states[i].version--; /* the lock counted it up; the last outcome has the one before */
        r = state_zones(set->s, set->a, m->state, m->items[0]->program);
        if (r != DB_OK) return r;
    }
    return DB_OK;
}

/* ---- 3: what else the candidates need ---- */

struct wants {
    LIST(struct closed_row) periods;
    LIST(struct payment_range) payments;
    LIST(struct member_ref) profiles;
};

static void gather_wants(struct work_set *w, struct member_work *m, struct wants *wants) {
    struct arena *a = w->set->a;
    const struct event **events = NEW_ARRAY(a, const struct event *, m->n);
    for (size_t j = 0; j < m->n; j++) events[j] = &m->items[j]->event;
    struct needs needs = {0};
    settle_needs(m->items[0]->program, m->state, events, m->n, w->set->now_ms, a, &needs);
    m->asks = needs.again;
    for (size_t j = 0; j < needs.periods.n; j++) {
        struct closed_row *row = LIST_PUSH(a, &wants->periods);
        row->m = m->ref;
        row->period.kind = needs.periods.items[j].kind;
        row->period.start = needs.periods.items[j].start;
        *LIST_PUSH(a, &m->state->closed) = row->period; /* loaded, if empty: what is missing has no row */
    }
    for (size_t j = 0; j < needs.payments.n; j++) {
        *LIST_PUSH(a, &wants->payments) = (struct payment_range){m->ref, needs.payments.items[j]};
    }
    if (needs.profile) *LIST_PUSH(a, &wants->profiles) = m->ref;
}

static void put_closed(struct work_set *w, const struct closed_row *row) {
    struct member_work *m = work_of(w, row->m.tenant, row->m.member);
    MUST(m != NULL);
    for (size_t i = 0; i < m->state->closed.n; i++) {
        struct closed_period *c = &m->state->closed.items[i];
        if (c->kind == row->period.kind && c->start == row->period.start) *c = row->period;
    }
}

static enum db_result load_profiles(struct work_set *w, const struct wants *wants) {
    struct arena *a = w->set->a;
    struct profile_row *rows;
    size_t n;
    enum db_result r = profiles_load(w->set->s->db, a, wants->profiles.items, wants->profiles.n, &rows, &n);
    for (size_t i = 0; i < n && r == DB_OK; i++) {
        struct member_work *m = work_of(w, rows[i].m.tenant, rows[i].m.member);
        if (!profile_parse(a, &rows[i], m->state)) return DB_FATAL;
    }
    return r;
}

static enum db_result load_round(struct work_set *w) {
    struct wants wants = {0};
    struct db *db = w->set->s->db;
    struct arena *a = w->set->a;
    for (size_t i = 0; i < w->n_members; i++) {
        if (w->members[i].asks) gather_wants(w, &w->members[i], &wants);
    }
    enum db_result r = DB_OK;
    if (wants.periods.n > 0) {
        struct closed_row *rows;
        size_t n;
        r = closed_load(db, a, wants.periods.items, wants.periods.n, &rows, &n);
        for (size_t i = 0; i < n && r == DB_OK; i++) put_closed(w, &rows[i]);
    }
    if (r == DB_OK && wants.payments.n > 0) {
        struct payment_row *rows;
        size_t n;
        r = payments_load(db, a, wants.payments.items, wants.payments.n, &rows, &n);
        for (size_t i = 0; i < n && r == DB_OK; i++) {
            struct member_work *m = work_of(w, rows[i].m.tenant, rows[i].m.member);
            *LIST_PUSH(a, &m->state->payments) = (struct rule_payment){.rule = rows[i].rule, .time_ms = rows[i].time_ms};
        }
    }
    if (r == DB_OK && wants.profiles.n > 0) r = load_profiles(w, &wants);
    return r;
}

/* Twice for a member whose leftovers of removed definitions had to be seen first: what they bring back may need more. */
static enum db_result load_wants(struct work_set *w) {
    enum db_result r = DB_OK;
    bool again = true;
    for (size_t i = 0; i < w->n_members; i++) w->members[i].asks = true;
    while (again && r == DB_OK) {
        r = load_round(w);
        again = false;
        for (size_t i = 0; i < w->n_members; i++) again = again || w->members[i].asks;
    }
    return r;
}

/* ---- 4: the engine ---- */

/* false: the engine found an item faulty; it has its problem and the rest must run again without it. */
static bool settle_all(struct work_set *w) {
    struct set *set = w->set;
    struct settle_env env = {.now_ms = set->now_ms};
    for (size_t i = 0; i < w->n; i++) {
        struct item *item = w->items[i];
        struct member_work *m = work_of(w, item->tenant.id, item->member);
        trap_item(item->event.id);
        env.keys = service_tenant_keys(set->s, item->tenant.id);
        env.at = item->at;
        crypto_random(env.seed, sizeof env.seed);
        item->outcome = NEW(set->a, struct outcome);
        enum problem p = settle_event(item->program, m->state, &item->event, &env, set->a, item->outcome, &item->faults);
        if (p != P_OK) {
            item_done(item, p);
            return false;
        }
        item->outcome->of = (uint16_t)w->n;
        item->state = ITEM_SETTLED;
    }
    return true;
}

/* ---- 5: states, entries, closed periods, payments ---- */

static enum db_result write_entries(struct work_set *w) {
    struct arena *a = w->set->a;
    LIST(struct entry_row) rows = {0};
    for (size_t i = 0; i < w->n; i++) {
        const struct outcome *o = w->items[i]->outcome;
        for (size_t j = 0; j < o->entries.n; j++) {
            *LIST_PUSH(a, &rows) = (struct entry_row){{w->items[i]->tenant.id, w->items[i]->member}, o->entries.items[j]};
        }
    }
    return rows.n > 0 ? entries_insert(w->set->s->db, a, rows.items, rows.n) : DB_OK;
}

static enum db_result write_periods(struct work_set *w) {
    struct arena *a = w->set->a;
    LIST(struct closed_row) closed = {0};
    LIST(struct payment_row) payments = {0};
    for (size_t i = 0; i < w->n_members; i++) {
        const struct member_state *s = w->members[i].state;
        for (size_t j = 0; j < s->closed.n; j++) {
            if (s->closed.items[j].dirty) *LIST_PUSH(a, &closed) = (struct closed_row){w->members[i].ref, s->closed.items[j]};
        }
        for (size_t j = 0; j < s->payments.n; j++) {
            const struct rule_payment *p = &s->payments.items[j];
            if (p->fresh) *LIST_PUSH(a, &payments) = (struct payment_row){w->members[i].ref, p->rule, p->time_ms};
        }
    }
    enum db_result r = closed.n > 0 ? closed_write(w->set->s->db, a, closed.items, closed.n) : DB_OK;
    if (r == DB_OK && payments.n > 0) r = payments_insert(w->set->s->db, a, payments.items, payments.n);
    return r;
}

static enum db_result write_members(struct work_set *w) {
    const struct member_state **states = NEW_ARRAY(w->set->a, const struct member_state *, w->n_members);
    for (size_t i = 0; i < w->n_members; i++) states[i] = w->members[i].state;
    enum db_result r = states_write(w->set->s->db, w->set->a, states, w->n_members);
    if (r == DB_OK) r = write_entries(w);
    return r == DB_OK ? write_periods(w) : r;
}

/* ---- 6: outcomes ---- */

static enum db_result write_outcomes(struct work_set *w) {
    struct arena *a = w->set->a;
    struct outcome_row *rows = NEW_ARRAY(a, struct outcome_row, w->n);
    for (size_t i = 0; i < w->n; i++) {
        const struct item *item = w->items[i];
        const struct event *e = &item->event;
        struct sealed sealed = {.source = e->source, .id = e->id, .type = e->type, .data = e->data, .context = e->context};
        rows[i] = (struct outcome_row){
            .at = item->at,
            .of = (uint16_t)w->n,
            .tenant = item->tenant.id,
            .member = item->member,
            .member_version = item->outcome->member_version,
            .clear = outcome_encode(a, item->outcome),
            .sealed = crypto_seal(a, item->sealing_key, seal_associated(a, item->tenant.id, item->member), sealed_encode(a, &sealed)),
        };
    }
    return lane_outcomes(w->set->s, a, rows, w->n);
}

/* ---- the transaction ---- */

/* DB_NOT_FOUND: again, from the front. */
static enum db_result body(struct work_set *w) {
    struct set *set = w->set;
    enum db_result r = claim_identities(w);
    if (r != DB_OK || w->n == 0) return r;
    make_works(w);
    r = load_states(w);
    if (r == DB_OK) r = load_wants(w);
    if (r != DB_OK) return r;
    w->refused = !settle_all(w);
    if (w->refused) return DB_NOT_FOUND;
    r = write_members(w);
    if (r == DB_OK) r = write_outcomes(w);
    if (r != DB_OK) return r;
    r = lane_advance(set->s, set->a, w->at, set->now_ms);
    if (r == DB_NOT_FOUND) lane_forget(set->s);
    return r;
}

static void answer_all(struct work_set *w) {
    for (size_t i = 0; i < w->n; i++) {
        struct item *item = w->items[i];
        item_answer(item, w->set->a, item->program, item->outcome, false);
        item_done(item, P_OK);
    }
}

enum tried set_transaction(struct set *set) {
    struct service *s = set->s;
    enum db_result r = lane_claim(s, set->now_ms);
    if (r == DB_OK) r = db_begin(s->db);
    if (r != DB_OK) return tried_of(r);
    struct work_set w = {.set = set, .items = NEW_ARRAY(set->a, struct item *, set->n), .at = lane_next(s, set->now_ms)};
    for (size_t i = 0; i < set->n; i++) {
        if (set->items[i]->state == ITEM_NEW) w.items[w.n++] = set->items[i];
    }
    r = body(&w);
    if (r == DB_NOT_FOUND) return w.refused ? TRIED_LESS : TRIED_AGAIN;
    if (r != DB_OK) return tried_of(r);
    if (w.n == 0) return TRIED_LESS; /* all were settled elsewhere: rolled back, and answered by the front */
    for (size_t i = 0; i < w.n; i++) w.items[i]->sent = w.items[i]->at;
    r = db_commit(s->db);
    if (r != DB_OK) return tried_of(r);
    lane_committed(s, w.at);
    answer_all(&w);
    return TRIED_DONE;
}
