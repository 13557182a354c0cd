/* service/verify/identities.c: each identity of a tenant names exactly one outcome, of this tenant, of an event, and of this event: what is
 * sealed there gives the same identity and the same fingerprint (invariant 3). The other direction, each event's outcome has its identity,
 * is in outcomes.c.
 *
 * What an erased member's outcomes carried cannot be opened any more: there the two directions are compared by number, member by member;
 * what is kept in memory for it is as large as the number of erased members. */
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "service/verify/verifying.h"

struct identities_walk {
    struct verifying *v;
    struct tenant_view *t;
    struct arena *a; /* of the page */
    struct identity_text *rows;
    size_t n;
    struct outcome_row *outcomes; /* by position */
    size_t n_outcomes;
    struct member_key_row *keys;
    size_t n_keys;
};

static int by_position(const void *x, const void *y) {
    const struct position *a = &((const struct outcome_row *)x)->at, *b = &((const struct outcome_row *)y)->at;
    if (a->day != b->day) return a->day < b->day ? -1 : 1;
    if (a->lane != b->lane) return a->lane < b->lane ? -1 : 1;
    if (a->n != b->n) return a->n < b->n ? -1 : 1;
    return a->i < b->i ? -1 : a->i > b->i;
}

static int by_member(const void *x, const void *y) {
    const uint64_t a = ((const member_no *)x)->v, b = ((const member_no *)y)->v;
    return a < b ? -1 : a > b;
}

static enum db_result read_outcomes(struct identities_walk *w) {
    struct outcome_ref *refs = NEW_ARRAY(w->a, struct outcome_ref, w->n);
    for (size_t i = 0; i < w->n; i++) refs[i] = (struct outcome_ref){w->t->row->id, w->rows[i].row.at};
    enum db_result r = outcomes_find(w->v->db, w->a, refs, w->n, &w->outcomes, &w->n_outcomes);
    if (r != DB_OK || w->n_outcomes == 0) return r;
    qsort(w->outcomes, w->n_outcomes, sizeof *w->outcomes, by_position);
    member_no *members = NEW_ARRAY(w->a, member_no, w->n_outcomes);
    size_t n = 0;
    for (size_t i = 0; i < w->n_outcomes; i++) members[i] = w->outcomes[i].member;
    qsort(members, w->n_outcomes, sizeof *members, by_member);
    for (size_t i = 0; i < w->n_outcomes; i++) {
        if (n == 0 || members[n - 1].v != members[i].v) members[n++] = members[i];
    }
    return member_keys_by_no(w->v->db, w->a, w->t->row->id, members, n, &w->keys, &w->n_keys);
}

static const struct member_key_row *key_of(const struct identities_walk *w, member_no m) {
    for (size_t i = 0; i < w->n_keys; i++) {
        if (w->keys[i].member.v == m.v) return &w->keys[i];
    }
    return NULL;
}

static void count_erased(struct identities_walk *w, const struct identity_row *row, member_no m) {
    if (row->received_at / MS_DAY < w->t->kept.identities_day) return;
    for (size_t i = 0; i < w->t->erased.n; i++) {
        if (w->t->erased.items[i].member.v == m.v) w->t->erased.items[i].identities++;
    }
}

/* An outcome does not say whether the event came with a time. */
static bool fingerprint_fits(struct identities_walk *w, const struct identity_row *row, const struct outcome *o, const struct sealed *e,
                             struct str member) {
    const struct key32 *key = &w->t->keys->identity;
    struct hash16 timed = event_fingerprint(key, w->a, e->type, member, o->event_time, e->data);
    struct hash16 untimed = event_fingerprint(key, w->a, e->type, member, -1, e->data);
    return memcmp(row->fingerprint.b, timed.b, sizeof timed.b) == 0 || memcmp(row->fingerprint.b, untimed.b, sizeof untimed.b) == 0;
}

static void check_event(struct identities_walk *w, const struct identity_row *row, const struct outcome_row *found, const struct outcome *o,
                        const struct member_key_row *member, struct str where) {
    struct str code = w->t->row->code, names = position_text(w->a, row->at);
    struct sealed event;
    if (!sealed_event(w->a, found, member->sealing_key, &event)) return; /* a violation of its own */
    struct hash16 identity = identity_of(&w->t->keys->identity, event.source, event.id);
    if (memcmp(identity.b, row->identity.b, sizeof identity.b) != 0) {
        violation(w->v, 3, code, where, "names " STR_FMT ", which is that of another event", STR_ARG(names));
    } else if (!fingerprint_fits(w, row, o, &event, member->external_id)) {
        violation(w->v, 3, code, where, "has not the fingerprint of its event, that of " STR_FMT ": a repeat would be refused",
                  STR_ARG(names));
    }
}

static void check_identity(struct identities_walk *w, const struct identity_text *text) {
    const struct identity_row *row = &text->row;
    struct outcome_row key = {.at = row->at};
    const struct outcome_row *found = w->n_outcomes > 0 ? bsearch(&key, w->outcomes, w->n_outcomes, sizeof *found, by_position) : NULL;
    struct str hex = hex_text(w->a, (struct str){(const char *)row->identity.b, sizeof row->identity.b}), code = w->t->row->code;
    struct str where = str_printf(w->a, "identity " STR_FMT, STR_ARG(hex)), names = position_text(w->a, row->at);
    w->v->out->identities++;
    if (floor_div(row->received_at, MS_DAY) != text->received_day) {
        violation(w->v, 3, code, where, "was received at %lld, which is not on its received_day %u", (long long)row->received_at,
                  text->received_day);
    }
    if (found == NULL) {
        if (row->at.day < w->v->kept.outcomes_day) return;
        violation(w->v, 3, code, where, "names " STR_FMT ", which this tenant does not have", STR_ARG(names));
        return;
    }
    struct outcome o;
    const struct member_key_row *member = key_of(w, found->member);
    if (!outcome_decode(w->a, found->clear, &o)) return; /* a violation of its own */
    if (row->received_at > sum_capped(o.settled_at, MS_DAY)) {
        violation(w->v, 3, code, where, "was received at %lld, long after its outcome was settled, at %lld", (long long)row->received_at,
                  (long long)o.settled_at);
    }
    if (o.change != CHANGE_EVENT) {
        violation(w->v, 3, code, where, "names " STR_FMT ", which is not that of an event", STR_ARG(names));
    } else if (member != NULL && !member->has_key) {
        count_erased(w, row, found->member);
    } else if (member != NULL) {
        check_event(w, row, found, &o, member, where);
    }
}

static void compare_erased(struct identities_walk *w) {
    const struct kept *then = &w->t->kept, *now = &w->v->kept;
    if (then->identities_day != now->identities_day || then->outcomes_day != now->outcomes_day) return; /* counted under two measures */
    for (size_t i = 0; i < w->t->erased.n; i++) {
        const struct erased_count *x = &w->t->erased.items[i];
        if (x->outcomes == x->identities) continue;
        violation(w->v, 3, w->t->row->code, str_printf(w->a, "member %llu", (unsigned long long)x->member.v),
                  "is erased; %llu outcomes of its events must have an identity, and %llu identities name one",
                  (unsigned long long)x->outcomes, (unsigned long long)x->identities);
    }
}

/* Identities are hashes: how far we are tells how many there are. */
static void tell(struct identities_walk *w, uint64_t done) {
    char phase[160];
    const uint8_t *last = w->rows[w->n - 1].row.identity.b;
    snprintf(phase, sizeof phase, "identities of " STR_FMT, STR_ARG(w->t->row->code));
    double part = ((double)last[0] * 256 + last[1] + 1) / 65536;
    verify_progress(w->v, phase, done, w->n < PAGE_ROWS ? done : (uint64_t)((double)done / part));
}

static enum db_result page(struct identities_walk *w, const struct hash16 *after) {
    struct verify_mark mark;
    enum db_result r = identities_slice(w->v->db, w->a, w->t->row->id, after, PAGE_ROWS, &w->rows, &w->n);
    if (r == DB_OK && w->n > 0) r = read_outcomes(w);
    /* What is kept is read after the outcomes: of a day from there on nothing was dropped before we read it. */
    if (r == DB_OK) r = verify_mark(w->v, &mark);
    for (size_t i = 0; i < w->n && r == DB_OK; i++) check_identity(w, &w->rows[i]);
    return r;
}

enum db_result verify_identities(struct verifying *v, struct tenant_view *t) {
    struct identities_walk w = {.v = v, .t = t, .a = arena_new()};
    struct hash16 after;
    enum db_result r = DB_OK;
    uint64_t done = 0;
    for (bool more = true; more && r == DB_OK;) {
        arena_reset(w.a);
        w.n_outcomes = w.n_keys = 0;
        r = page(&w, done > 0 ? &after : NULL);
        if (r != DB_OK || w.n == 0) break;
        done += w.n;
        after = w.rows[w.n - 1].row.identity;
        more = w.n == PAGE_ROWS;
        tell(&w, done);
    }
    if (r == DB_OK) compare_erased(&w);
    arena_free(&w.a);
    return r;
}
