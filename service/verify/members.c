/* service/verify/members.c: the members of a tenant, slice by slice. */
#include "base/clock.h"
#include "service/verify/verifying.h"

struct slice {
    struct arena *a;
    struct member_view *members;
    size_t n;
    member_no after, last; /* it covers (after, last] */
    bool end;
    struct lane_row *heads;
    size_t n_heads;
    struct account_sums accounts; /* of the members' entries */
    struct account_sums moved;    /* of their outcomes, as in struct recount */
};

struct str member_text(struct arena *a, const struct member_view *m) {
    return str_printf(a, "member %llu", (unsigned long long)m->ref.member.v);
}

/* ---- reading a slice in one snapshot ---- */

static void decode_state(struct slice *slice, const struct state_text *text, struct member_view *m) {
    m->ref = text->m;
    m->version = text->version;
    m->heads = slice->heads;
    m->n_heads = slice->n_heads;
    m->damaged = !state_decode(slice->a, text->hot, text->cold, &m->state);
    m->state.tenant = m->ref.tenant;
    m->state.member = m->ref.member;
    m->state.version = text->version;
}

static enum db_result read_keys(struct verifying *v, const struct tenant_view *t, struct slice *slice) {
    member_no *numbers = NEW_ARRAY(slice->a, member_no, slice->n);
    struct member_key_row *keys;
    size_t n;
    for (size_t i = 0; i < slice->n; i++) numbers[i] = slice->members[i].ref.member;
    enum db_result r = member_keys_by_no(v->db, slice->a, t->row->id, numbers, slice->n, &keys, &n);
    for (size_t i = 0; i < slice->n && r == DB_OK; i++) {
        for (size_t k = 0; k < n && slice->members[i].key == NULL; k++) {
            if (keys[k].member.v == numbers[i].v) slice->members[i].key = &keys[k];
        }
    }
    return r;
}

/* Ends early where the time of a snapshot is over: the rest is another slice's. */
static enum db_result read_beside(struct verifying *v, struct slice *slice) {
    int64_t until = clock_monotonic_us() + SNAPSHOT_MS_MAX * 1000;
    enum db_result r = DB_OK;
    for (size_t i = 0; i < slice->n && r == DB_OK; i++) {
        struct member_view *m = &slice->members[i];
        r = closed_of_member_text(v->db, slice->a, m->ref, &m->closed, &m->n_closed);
        if (r == DB_OK) r = wallets_with_entries(v->db, slice->a, m->ref, &m->wallets, &m->n_wallets);
        if (r == DB_OK) r = payments_of_member(v->db, slice->a, m->ref, &m->payments, &m->n_payments);
        if (clock_monotonic_us() < until || i + 1 == slice->n) continue;
        slice->n = i + 1;
        slice->end = false;
    }
    return r;
}

static enum db_result read_slice(struct verifying *v, const struct tenant_view *t, struct slice *slice) {
    struct state_text *texts;
    enum db_result r = db_begin_snapshot(v->db);
    if (r == DB_OK) r = lanes_read(v->db, slice->a, &slice->heads, &slice->n_heads);
    if (r == DB_OK) r = states_slice_text(v->db, slice->a, t->row->id, slice->after, SLICE_MEMBERS, &texts, &slice->n);
    if (r == DB_OK) {
        slice->end = slice->n < SLICE_MEMBERS;
        slice->members = NEW_ARRAY(slice->a, struct member_view, slice->n);
        for (size_t i = 0; i < slice->n; i++) decode_state(slice, &texts[i], &slice->members[i]);
        r = read_keys(v, t, slice);
    }
    if (r == DB_OK) r = read_beside(v, slice);
    db_rollback(v->db);
    if (r == DB_OK) slice->last.v = slice->end ? UINT64_MAX : slice->members[slice->n - 1].ref.member.v;
    return r;
}

/* ---- rows of members that have no state row ---- */

static bool is_in(const struct slice *slice, member_no m) {
    for (size_t i = 0; i < slice->n; i++) {
        if (slice->members[i].ref.member.v == m.v) return true;
    }
    return false;
}

/* Read after the snapshot: who came meanwhile is looked up once more. */
static enum db_result check_orphans(struct verifying *v, const struct tenant_view *t, const struct slice *slice, const member_no *found,
                                    size_t n, const char *what) {
    enum db_result r = DB_OK;
    for (size_t i = 0; i < n && r == DB_OK; i++) {
        if (is_in(slice, found[i])) continue;
        struct state_text *now;
        size_t n_now;
        r = states_slice_text(v->db, slice->a, t->row->id, (member_no){found[i].v - 1}, 1, &now, &n_now);
        if (r != DB_OK || (n_now == 1 && now->m.member.v == found[i].v)) continue;
        violation(v, 1, t->row->code, str_printf(slice->a, "member %llu", (unsigned long long)found[i].v), "has %s but no state row", what);
    }
    return r;
}

static enum db_result find_orphans(struct verifying *v, const struct tenant_view *t, const struct slice *slice) {
    member_no *found;
    size_t n;
    enum db_result r = members_with_entries(v->db, slice->a, t->row->id, slice->after, slice->last, &found, &n);
    if (r == DB_OK) r = check_orphans(v, t, slice, found, n, "entries");
    if (r == DB_OK) r = members_with_outcomes(v->db, slice->a, t->row->id, slice->after, slice->last, &found, &n);
    if (r == DB_OK) r = check_orphans(v, t, slice, found, n, "outcomes");
    if (r == DB_OK) r = members_with_payments(v->db, slice->a, t->row->id, slice->after, slice->last, &found, &n);
    return r == DB_OK ? check_orphans(v, t, slice, found, n, "payments of rules") : r;
}

/* ---- proving ---- */

static void check_key(struct verifying *v, const struct tenant_view *t, const struct member_view *m, struct arena *a) {
    struct str where = member_text(a, m);
    if (m->key == NULL) {
        violation(v, 3, t->row->code, where, "has no row in member_key");
    } else if (!m->key->has_key && m->key->state == MEMBER_ACTIVE) {
        violation(v, 3, t->row->code, where, "has no sealing key, though the member was not erased");
    } else if (!m->damaged && (m->key->state == MEMBER_ERASED) != (m->state.status == MEMBER_ERASED)) {
        violation(v, 3, t->row->code, where, "is erased in only one of member_key and the state row");
    }
}

static void collect_accounts(struct arena *a, struct account_sums *out, const struct account_sums *of) {
    for (size_t i = 0; i < of->list.n; i++) {
        const struct account_sum *x = &of->list.items[i];
        accounts_add(a, out, x->currency, x->account, x->sum);
    }
}

static enum db_result prove_member(struct verifying *v, struct tenant_view *t, struct slice *slice, const struct member_view *m,
                                   struct arena *a) {
    struct recount recount = {.a = a, .tally = {.a = a}, .whole = true, .usable = true};
    v->out->members++;
    check_key(v, t, m, a);
    enum db_result r = verify_outcomes(v, t, m, &recount);
    if (r == DB_OK) r = verify_wallets(v, t, m, &recount);
    if (r != DB_OK) return r;
    collect_accounts(slice->a, &slice->accounts, &recount.accounts);
    collect_accounts(slice->a, &slice->moved, &recount.moved);
    if (recount.dropped) v->out->uncounted++;
    if (m->damaged) {
        violation(v, 1, t->row->code, member_text(a, m), "the state row is damaged: it is none of our encodings");
    } else {
        verify_counters(v, t, m, &recount, a);
    }
    verify_payments(v, t, m, &recount, a);
    return DB_OK;
}

static enum db_result prove_slice(struct verifying *v, struct tenant_view *t, struct slice *slice) {
    struct arena *a = arena_new();
    slice->accounts = slice->moved = (struct account_sums){0}; /* it may be proved again */
    enum db_result r = find_orphans(v, t, slice);
    for (size_t i = 0; i < slice->n && r == DB_OK; i++) {
        arena_reset(a);
        r = prove_member(v, t, slice, &slice->members[i], a);
    }
    arena_free(&a);
    return r;
}

/* The slice's wallets are as of its snapshot: to there the cut moves first. */
static enum db_result add_wallets(struct verifying *v, const struct tenant_view *t, const struct slice *slice) {
    enum db_result r = sums_advance(v, slice->heads, slice->n_heads);
    for (size_t i = 0; i < slice->n && r == DB_OK; i++) {
        const struct member_state *s = &slice->members[i].state;
        for (size_t k = 0; k < s->wallets.n && !slice->members[i].damaged; k++) {
            sums_add(v, t->index, s->wallets.items[k].currency, s->wallets.items[k].balance);
        }
    }
    v->done_member = slice->last;
    if (slice->end) {
        v->done_tenants++;
        v->done_member.v = 0;
    }
    return r;
}

/* Member numbers are random: how far we are tells how many there are. */
static void tell(struct verifying *v, const struct tenant_view *t, const struct slice *slice, uint64_t done) {
    char phase[160];
    snprintf(phase, sizeof phase, "members of " STR_FMT, STR_ARG(t->row->code));
    double part = slice->end ? 1 : (double)slice->last.v / (double)INT64_MAX;
    verify_progress(v, phase, done, part > 0 ? (uint64_t)((double)done / part) : done);
}

enum db_result verify_members(struct verifying *v, struct tenant_view *t) {
    struct slice slice = {.a = arena_new()};
    enum db_result r = DB_OK;
    uint64_t done = 0;
    while (r == DB_OK && !slice.end) {
        struct verify_mark mark;
        slice = (struct slice){.a = slice.a, .after = slice.last};
        arena_reset(slice.a);
        r = read_slice(v, t, &slice);
        if (r == DB_OK) r = add_wallets(v, t, &slice);
        for (bool again = true; again && r == DB_OK;) {
            r = verify_mark(v, &mark);
            if (r == DB_OK) r = prove_slice(v, t, &slice);
            if (r == DB_OK) r = verify_again(v, &mark, &again);
        }
        collect_accounts(v->run, &v->sums[t->index].accounts, &slice.accounts);
        sums_add_moved(v, t->index, &slice.moved);
        done += slice.n;
        if (r == DB_OK) tell(v, t, &slice, done);
    }
    arena_free(&slice.a);
    return r;
}
