#include "sql/proof.h"

#include <string.h>

#include "sql/statements.h"

enum db_result states_slice_text(struct db *db, struct arena *a, tenant_id t, member_no after, size_t limit, struct state_text **out,
                                 size_t *n_out) {
    struct call c = call_of(db, STMT_STATES_SLICE, a, 1);
    call_u32(&c, t.v);
    call_u64(&c, after.v);
    call_u64(&c, limit);
    enum db_result r = call_run(&c);
    *n_out = call_count(&c);
    *out = NEW_ARRAY(a, struct state_text, *n_out);
    for (size_t i = 0; call_next(&c); i++) {
        struct state_text *s = &(*out)[i];
        s->m.tenant.v = (uint32_t)col_u64(&c);
        s->m.member.v = col_u64(&c);
        s->version = col_u64(&c);
        s->hot = col_bytes(&c);
        s->cold = col_bytes(&c);
    }
    return r;
}

enum db_result closed_of_member_text(struct db *db, struct arena *a, struct member_ref m, struct closed_text **out, size_t *n_out) {
    struct call c = call_of(db, STMT_CLOSED_OF_MEMBER, a, 1);
    call_u32(&c, m.tenant.v);
    call_u64(&c, m.member.v);
    enum db_result r = call_run(&c);
    *n_out = call_count(&c);
    *out = NEW_ARRAY(a, struct closed_text, *n_out);
    for (size_t i = 0; call_next(&c); i++) {
        (void)col_u64(&c);
        (void)col_u64(&c);
        (*out)[i].kind = (uint8_t)col_u64(&c);
        (*out)[i].start = col_i64(&c);
        (*out)[i].counters = col_bytes(&c);
    }
    return r;
}

static enum db_result members_in(struct db *db, int statement, struct arena *a, tenant_id t, member_no after, member_no last,
                                 member_no **out, size_t *n_out) {
    struct call c = call_of(db, statement, a, 1);
    call_u32(&c, t.v);
    call_u64(&c, after.v);
    call_u64(&c, last.v);
    enum db_result r = call_run(&c);
    *n_out = call_count(&c);
    *out = NEW_ARRAY(a, member_no, *n_out);
    for (size_t i = 0; call_next(&c); i++) (*out)[i].v = col_u64(&c);
    return r;
}

enum db_result members_with_entries(struct db *db, struct arena *a, tenant_id t, member_no after, member_no last, member_no **out,
                                    size_t *n_out) {
    return members_in(db, STMT_ENTRY_MEMBERS, a, t, after, last, out, n_out);
}

enum db_result members_with_outcomes(struct db *db, struct arena *a, tenant_id t, member_no after, member_no last, member_no **out,
                                     size_t *n_out) {
    return members_in(db, STMT_OUTCOME_MEMBERS, a, t, after, last, out, n_out);
}

enum db_result members_with_payments(struct db *db, struct arena *a, tenant_id t, member_no after, member_no last, member_no **out,
                                     size_t *n_out) {
    return members_in(db, STMT_PAYMENT_MEMBERS, a, t, after, last, out, n_out);
}

enum db_result payments_of_member(struct db *db, struct arena *a, struct member_ref m, struct rule_payment **out, size_t *n_out) {
    struct call c = call_of(db, STMT_PAYMENTS_OF_MEMBER, a, 1);
    call_u32(&c, m.tenant.v);
    call_u64(&c, m.member.v);
    enum db_result r = call_run(&c);
    *n_out = call_count(&c);
    *out = NEW_ARRAY(a, struct rule_payment, *n_out);
    for (size_t i = 0; call_next(&c); i++) {
        (*out)[i].rule = (uint16_t)col_u64(&c);
        (*out)[i].time_ms = col_i64(&c);
    }
    return r;
}

static struct position read_position(struct call *c) {
    struct position at;
    at.day = (uint32_t)col_u64(c);
    at.lane = (uint16_t)col_u64(c);
    at.n = col_u64(c);
    at.i = (uint16_t)col_u64(c);
    return at;
}

static enum db_result outcomes_run(struct call *c, bool sealed, struct outcome_row **out, size_t *n_out) {
    enum db_result r = call_run(c);
    *n_out = call_count(c);
    *out = NEW_ARRAY(c->arena, struct outcome_row, *n_out);
    for (size_t i = 0; call_next(c); i++) {
        struct outcome_row *o = &(*out)[i];
        o->at = read_position(c);
        o->of = (uint16_t)col_u64(c);
        o->tenant.v = (uint32_t)col_u64(c);
        o->member.v = col_u64(c);
        o->member_version = col_u64(c);
        o->clear = col_bytes(c);
        if (sealed) o->sealed = col_bytes(c);
    }
    return r;
}

enum db_result outcomes_of_member_from(struct db *db, struct arena *a, struct member_ref m, uint64_t *version, size_t limit,
                                       struct outcome_row **out, size_t *n_out) {
    for (;; limit *= 2) {
        struct call c = call_of(db, STMT_OUTCOMES_OF_MEMBER_FROM, a, 1);
        call_u32(&c, m.tenant.v);
        call_u64(&c, m.member.v);
        call_u64(&c, *version);
        call_u64(&c, limit);
        enum db_result r = outcomes_run(&c, true, out, n_out);
        bool all = *n_out < limit;
        uint64_t last = *n_out ? (*out)[*n_out - 1].member_version : 0;
        while (!all && *n_out && (*out)[*n_out - 1].member_version == last) --*n_out; /* of the last version there may be more */
        if (r || all || *n_out) {
            *version = all ? 0 : last;
            return r;
        }
    }
}

enum db_result lane_clear(struct db *db, struct arena *a, uint32_t day, uint16_t lane, uint64_t after_n, size_t limit,
                          struct outcome_row **out, size_t *n_out) {
    struct call c = call_of(db, STMT_LANE_CLEAR, a, 1);
    call_u64(&c, day);
    call_u64(&c, lane);
    call_u64(&c, after_n);
    call_u64(&c, limit);
    return outcomes_run(&c, false, out, n_out);
}

static void read16(struct call *c, uint8_t out[16]) {
    struct str s = col_bytes(c);
    MUST(s.n == 16); /* BINARY(16) NOT NULL */
    memcpy(out, s.p, 16);
}

enum db_result identities_slice(struct db *db, struct arena *a, tenant_id t, const struct hash16 *after, size_t limit,
                                struct identity_text **out, size_t *n_out) {
    struct call c = call_of(db, STMT_IDENTITIES_SLICE, a, 1);
    call_u32(&c, t.v);
    call_bytes(&c, after ? (struct str){(const char *)after->b, sizeof after->b} : STR(""));
    call_u64(&c, limit);
    enum db_result r = call_run(&c);
    *n_out = call_count(&c);
    *out = NEW_ARRAY(a, struct identity_text, *n_out);
    for (size_t i = 0; call_next(&c); i++) {
        struct identity_row *row = &(*out)[i].row;
        row->tenant.v = (uint32_t)col_u64(&c);
        read16(&c, row->identity.b);
        read16(&c, row->fingerprint.b);
        row->at = read_position(&c);
        row->received_at = col_i64(&c);
        (*out)[i].received_day = (uint32_t)col_u64(&c);
    }
    return r;
}

enum db_result stripe_next(struct db *db, struct arena *a, uint32_t *day, uint16_t *lane) {
    struct call c = call_of(db, STMT_STRIPE_NEXT, a, 1);
    call_u64(&c, *day);
    call_u64(&c, *day);
    call_u64(&c, *lane);
    enum db_result r = call_run(&c);
    if (r || !call_next(&c)) return r ? r : DB_NOT_FOUND;
    *day = (uint32_t)col_u64(&c);
    *lane = (uint16_t)col_u64(&c);
    return DB_OK;
}
