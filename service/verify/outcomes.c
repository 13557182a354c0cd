/* service/verify/outcomes.c: the outcomes of one member: there is one of each version, each can be read, and each event's has its identity
 * (invariant 3); and what they say of transfers, counters and levels. */
#include <stdlib.h>
#include <string.h>

#include "service/verify/verifying.h"

struct version_seen {
    uint64_t version;
    uint32_t day;
};
struct event_seen { /* an outcome of an event, and what its identity must be */
    struct position at;
    struct hash16 identity;
};
struct outcomes_walk {
    struct verifying *v;
    struct tenant_view *t;
    const struct member_view *m;
    struct recount *out;
    LIST(struct version_seen) versions;
    struct arena *page;
    LIST(struct event_seen) events; /* of the page */
    uint64_t erased_events;
};

static struct str tenant_code(const struct outcomes_walk *w) { return w->t->row->code; }

static struct str where(const struct outcomes_walk *w, struct position at) {
    return str_printf(w->page, "member %llu " STR_FMT, (unsigned long long)w->m->ref.member.v, STR_ARG(position_text(w->page, at)));
}

/* The snapshot that read the state row saw it. */
static bool was_there(const struct member_view *m, struct position at) {
    for (size_t i = 0; i < m->n_heads; i++) {
        if (m->heads[i].lane == at.lane) return at.n <= m->heads[i].n;
    }
    return false;
}

/* ---- versions ---- */

static int by_version(const void *x, const void *y) {
    const struct version_seen *a = x, *b = y;
    return a->version < b->version ? -1 : a->version > b->version;
}

/* Below this some may have been dropped with their partitions. Lanes change their day at slightly different moments: of neighbouring
 * versions one may lie on the first day kept and the next before it. */
static uint64_t first_version_due(const struct outcomes_walk *w) {
    uint32_t first_day = w->v->kept.outcomes_day;
    uint64_t due = w->versions.n > 0 ? w->versions.items[0].version : w->m->version + 1;
    if (first_day == 0) return 1;
    for (size_t i = 0; i < w->versions.n; i++) {
        if (w->versions.items[i].day <= first_day) due = w->versions.items[i].version;
    }
    return due;
}

static void missing(struct outcomes_walk *w, uint64_t from, uint64_t to) {
    struct str member = member_text(w->page, w->m);
    if (from == to) {
        violation(w->v, 3, tenant_code(w), member, "the outcome of version %llu of %llu is missing", (unsigned long long)from,
                  (unsigned long long)w->m->version);
    } else {
        violation(w->v, 3, tenant_code(w), member, "the outcomes of versions %llu to %llu of %llu are missing", (unsigned long long)from,
                  (unsigned long long)to, (unsigned long long)w->m->version);
    }
}

/* Versions between two that follow each other, both excluded. */
static void check_gap(struct outcomes_walk *w, uint64_t after, uint64_t before, uint64_t due) {
    if (after + 1 >= before) return;
    w->out->whole = false;
    if (after + 1 < due) w->out->dropped = true;
    if (before > due) missing(w, after + 1 > due ? after + 1 : due, before - 1);
}

static void check_versions(struct outcomes_walk *w) {
    if (w->versions.n > 0) qsort(w->versions.items, w->versions.n, sizeof *w->versions.items, by_version);
    uint64_t due = first_version_due(w), last = 0;
    for (size_t i = 0; i < w->versions.n; i++) {
        uint64_t version = w->versions.items[i].version;
        if (version == last || version > w->m->version) {
            w->out->whole = false;
            violation(w->v, 3, tenant_code(w), member_text(w->page, w->m),
                      "there is %s outcome of version %llu; the state row has version %llu", version == last ? "another" : "an",
                      (unsigned long long)version, (unsigned long long)w->m->version);
        } else {
            check_gap(w, last, version, due);
        }
        last = version;
    }
    if (last < w->m->version) check_gap(w, last, w->m->version + 1, due);
}

/* ---- identities ---- */

bool sealed_event(struct arena *a, const struct outcome_row *row, const uint8_t key[SEAL_KEY_BYTES], struct sealed *out) {
    struct str clear;
    if (!crypto_open(a, key, seal_associated(a, row->tenant, row->member), row->sealed, &clear)) return false;
    return sealed_decode(a, clear, out) && out->id.n > 0;
}

static int by_identity(const void *x, const void *y) {
    return memcmp(((const struct identity_row *)x)->identity.b, ((const struct identity_row *)y)->identity.b, HASH16_BYTES);
}

static enum db_result check_identities(struct outcomes_walk *w) {
    size_t n = w->events.n, n_found;
    struct identity_row *wanted = NEW_ARRAY(w->page, struct identity_row, n), *found;
    for (size_t i = 0; i < n; i++) wanted[i] = (struct identity_row){.tenant = w->m->ref.tenant, .identity = w->events.items[i].identity};
    enum db_result r = identities_find(w->v->db, w->page, wanted, n, &found, &n_found);
    if (r != DB_OK) return r;
    if (n_found > 0) qsort(found, n_found, sizeof *found, by_identity);
    for (size_t i = 0; i < n; i++) {
        struct position at = w->events.items[i].at;
        const struct identity_row *row = n_found > 0 ? bsearch(&wanted[i], found, n_found, sizeof *found, by_identity) : NULL;
        if (row == NULL) {
            violation(w->v, 3, tenant_code(w), where(w, at), "its event has no identity: a repeat would be paid again");
        } else if (!position_eq(row->at, at)) {
            violation(w->v, 3, tenant_code(w), where(w, at), "the identity of its event names another one: " STR_FMT,
                      STR_ARG(position_text(w->page, row->at)));
        }
    }
    return DB_OK;
}

/* What is sealed must open while the member's key is there, and tell whose identity the event has. */
static void look_inside(struct outcomes_walk *w, const struct outcome_row *row, const struct outcome *o) {
    const struct member_key_row *key = w->m->key;
    bool due = o->change == CHANGE_EVENT && o->settled_at / MS_DAY >= w->v->kept.identities_day;
    struct sealed event;
    struct str clear;
    if (key == NULL) return;
    if (!key->has_key) {
        w->erased_events += due;
    } else if (o->change != CHANGE_EVENT) {
        if (!crypto_open(w->page, key->sealing_key, seal_associated(w->page, row->tenant, row->member), row->sealed, &clear)) {
            violation(w->v, 3, tenant_code(w), where(w, row->at), "its sealed part was changed: it cannot be opened");
        }
    } else if (!sealed_event(w->page, row, key->sealing_key, &event)) {
        violation(w->v, 3, tenant_code(w), where(w, row->at), "its sealed part was changed: it cannot be opened, or holds no event");
    } else if (due) {
        struct hash16 identity = identity_of(&w->t->keys->identity, event.source, event.id);
        *LIST_PUSH(w->page, &w->events) = (struct event_seen){row->at, identity};
    }
}

/* ---- what the versions of the configuration say ---- */

static void note_program(struct tenant_view *t, struct version_facts *facts, const struct program *p) {
    facts->usable = true;
    facts->capped = NEW_ARRAY(t->a, uint16_t, p->n_currencies);
    for (size_t i = 0; i < p->n_currencies; i++) {
        if (p->currencies[i].has_cap) facts->capped[facts->n_capped++] = p->currencies[i].no;
    }
    facts->rules = NEW_ARRAY(t->a, struct rule_fact, p->n_rules);
    for (size_t i = 0; i < p->n_rules; i++) {
        struct rule_fact *fact = &facts->rules[facts->n_rules++];
        *fact = (struct rule_fact){.no = p->rules[i].no, .cooldown = p->rules[i].cooldown_ms > 0};
        for (uint8_t k = 0; k < p->rules[i].n_limits; k++) fact->limit_kinds |= (uint8_t)(1u << p->rules[i].limits[k].per);
    }
}

static enum db_result facts_of(struct outcomes_walk *w, uint64_t version, const struct version_facts **out) {
    struct tenant_view *t = w->t;
    for (size_t i = t->facts.n; i-- > 0;) {
        *out = &t->facts.items[i];
        if ((*out)->version == version) return DB_OK;
    }
    const struct program *program;
    struct faults faults = faults_new(w->page);
    enum problem p = program_get(w->v->s, t->row->id, version, &program, &faults);
    struct version_facts *facts = LIST_PUSH(t->a, &t->facts);
    facts->version = version;
    if (p == P_OK) note_program(t, facts, program);
    programs_trim(w->v->s);
    *out = facts;
    return p == P_OK || p == P_CONFIG_UNUSABLE ? DB_OK : DB_GONE;
}

static bool is_capped(const struct version_facts *facts, uint16_t currency) {
    for (size_t i = 0; i < facts->n_capped; i++) {
        if (facts->capped[i] == currency) return true;
    }
    return false;
}

/* ---- recounting ---- */

/* A rule that was paid used one of each of its limits, and started its cooldown. */
static void count_paid_rule(struct outcomes_walk *w, const struct version_facts *facts, uint16_t rule, int64_t time_ms) {
    for (size_t i = 0; i < facts->n_rules; i++) {
        const struct rule_fact *fact = &facts->rules[i];
        if (fact->no != rule) continue;
        for (int kind = 0; kind < PERIOD__MAX; kind++) {
            if (fact->limit_kinds & 1u << kind) tally_add(&w->out->tally, COUNTER_LIMIT, rule, (enum period_kind)kind, 0, 1);
        }
        if (!fact->cooldown) continue;
        tally_add(&w->out->tally, COUNTER_COOLDOWN, rule, PERIOD_EVER, 0, time_ms);
        *LIST_PUSH(w->out->a, &w->out->paid) = (struct rule_payment){.rule = rule, .time_ms = time_ms};
    }
}

static enum db_result count_rules(struct outcomes_walk *w, const struct outcome *o) {
    const struct version_facts *facts = NULL;
    for (size_t i = 0; i < o->grants.n; i++) {
        const struct grant_result *g = &o->grants.items[i];
        if (g->cause != CAUSE_RULE) continue;
        if (facts == NULL) {
            enum db_result r = facts_of(w, o->config_version, &facts);
            if (r != DB_OK) return r;
            w->out->usable = w->out->usable && facts->usable;
        }
        if (is_capped(facts, g->currency)) tally_add(&w->out->tally, COUNTER_CAP, g->currency, PERIOD_DAY, 0, g->amount);
        bool first = true;
        for (size_t k = 0; k < i; k++)
            first = first && (o->grants.items[k].cause != CAUSE_RULE || o->grants.items[k].cause_no != g->cause_no);
        if (first) count_paid_rule(w, facts, g->cause_no, o->event_time);
    }
    return DB_OK;
}

static void count_metrics(struct outcomes_walk *w, const struct outcome *o) {
    for (size_t i = 0; i < o->counters.n; i++) {
        const struct counted *c = &o->counters.items[i];
        note_number(w->t, CODE_METRIC, c->metric);
        for (uint8_t k = 0; k < c->n_periods; k++) {
            tally_add(&w->out->tally, COUNTER_METRIC, c->metric, c->periods[k].kind, c->periods[k].start, c->by);
        }
    }
}

static void count_levels(struct outcomes_walk *w, const struct outcome *o) {
    for (size_t i = 0; i < o->levels.n; i++) {
        const struct level_change *l = &o->levels.items[i];
        if (l->to <= l->from) continue;
        struct ladder_paid *known = NULL;
        for (size_t k = 0; k < w->out->ladders.n; k++) {
            if (w->out->ladders.items[k].ladder == l->ladder) known = &w->out->ladders.items[k];
        }
        if (known == NULL) {
            *LIST_PUSH(w->out->a, &w->out->ladders) = (struct ladder_paid){l->ladder, l->to};
        } else if (known->level < l->to) {
            known->level = l->to;
        }
    }
}

static void expect_transfers(struct outcomes_walk *w, const struct outcome *o) {
    for (size_t i = 0; i < o->grants.n; i++) {
        const struct grant_result *g = &o->grants.items[i];
        if (g->cause == CAUSE_RULE) note_number(w->t, CODE_RULE, g->cause_no);
        if (g->cause == CAUSE_LADDER) note_number(w->t, CODE_LADDER, g->cause_no);
        if (sums_wants(w->v, o->at)) accounts_add(w->out->a, &w->out->moved, g->currency, (uint8_t)g->contra, -(__int128)g->amount);
        *LIST_PUSH(w->out->a, &w->out->transfers) = (struct expected_transfer){
            .at = o->at,
            .e = {.currency = g->currency,
                  .part = g->part,
                  .seq = g->seq,
                  .amount = g->amount,
                  .balance_after = g->balance_after,
                  .kind = g->kind,
                  .contra = g->contra,
                  .cause = o->at,
                  .transfer = g->transfer},
        };
    }
}

/* ---- one outcome ---- */

static bool header_fits(const struct outcome_row *row, const struct outcome *o) {
    return position_eq(o->at, row->at) && o->of == row->of && o->member_version == row->member_version;
}

static enum db_result check_outcome(struct outcomes_walk *w, const struct outcome_row *row) {
    struct outcome o;
    *LIST_PUSH(w->out->a, &w->versions) = (struct version_seen){row->member_version, row->at.day};
    w->v->out->outcomes++;
    if (!outcome_decode(w->page, row->clear, &o)) {
        w->out->whole = false;
        violation(w->v, 3, tenant_code(w), where(w, row->at), "its clear part is damaged: it is none of our encodings");
        return DB_OK;
    }
    if (!header_fits(row, &o)) {
        violation(w->v, 3, tenant_code(w), where(w, row->at),
                  "its clear part says " STR_FMT " of %u, version %llu; the row has of %u, version %llu",
                  STR_ARG(position_text(w->page, o.at)), o.of, (unsigned long long)o.member_version, row->of,
                  (unsigned long long)row->member_version);
        o.at = row->at;
    }
    note_number(w->t, CODE_TYPE, o.type_no);
    note_number(w->t, CODE_ZONE, o.zone_no);
    look_inside(w, row, &o);
    count_metrics(w, &o);
    count_levels(w, &o);
    expect_transfers(w, &o);
    return count_rules(w, &o);
}

static enum db_result read_all(struct outcomes_walk *w) {
    uint64_t version = 0;
    enum db_result r = DB_OK;
    for (bool more = true; more && r == DB_OK; more = version > 0) {
        struct outcome_row *rows;
        size_t n;
        arena_reset(w->page);
        w->events.items = NULL;
        w->events.n = w->events.cap = 0;
        r = outcomes_of_member_from(w->v->db, w->page, w->m->ref, &version, OUTCOME_ROWS, &rows, &n);
        for (size_t i = 0; i < n && r == DB_OK; i++) {
            if (was_there(w->m, rows[i].at)) r = check_outcome(w, &rows[i]);
        }
        if (r == DB_OK && w->events.n > 0) r = check_identities(w);
    }
    return r;
}

static int by_seq(const void *x, const void *y) {
    const struct entry *a = &((const struct expected_transfer *)x)->e, *b = &((const struct expected_transfer *)y)->e;
    if (a->currency != b->currency) return a->currency < b->currency ? -1 : 1;
    if (a->part != b->part) return a->part < b->part ? -1 : 1;
    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

enum db_result verify_outcomes(struct verifying *v, struct tenant_view *t, const struct member_view *m, struct recount *out) {
    struct outcomes_walk w = {.v = v, .t = t, .m = m, .out = out, .page = arena_new()};
    enum db_result r = read_all(&w);
    if (r == DB_OK) check_versions(&w);
    if (out->transfers.n > 0) qsort(out->transfers.items, out->transfers.n, sizeof *out->transfers.items, by_seq);
    if (m->key != NULL && !m->key->has_key)
        *LIST_PUSH(t->a, &t->erased) = (struct erased_count){.member = m->ref.member, .outcomes = w.erased_events};
    arena_free(&w.page);
    return r;
}
