#include "sql/members.h"

#include <string.h>

#include "sql/statements.h"

static bool key_before(const struct member_key_row *a, const struct member_key_row *b) {
    if (a->tenant.v != b->tenant.v) return a->tenant.v < b->tenant.v;
    return str_cmp(a->external_id, b->external_id) < 0;
}

static enum db_result member_keys_run(struct call *c, struct member_key_row **out, size_t *n_out) {
    enum db_result r = call_run(c);
    *n_out = call_count(c);
    *out = NEW_ARRAY(c->arena, struct member_key_row, *n_out);
    for (size_t i = 0; call_next(c); i++) {
        struct member_key_row *k = &(*out)[i];
        k->tenant.v = (uint32_t)col_u64(c);
        k->external_id = col_bytes(c);
        k->member.v = col_u64(c);
        struct str key = col_bytes(c);
        k->has_key = key.n == SEAL_KEY_BYTES;
        if (k->has_key) memcpy(k->sealing_key, key.p, SEAL_KEY_BYTES);
        k->state = (enum member_status)col_u64(c);
    }
    return r;
}

enum db_result member_keys_find(struct db *db, struct arena *a, const struct member_key_row *wanted, size_t n, struct member_key_row **out,
                                size_t *n_out) {
    struct call c = call_of(db, STMT_MEMBER_KEYS_FIND, a, n);
    for (size_t i = 0; i < n; i++) {
        call_u32(&c, wanted[i].tenant.v);
        call_bytes(&c, wanted[i].external_id);
    }
    return member_keys_run(&c, out, n_out);
}

enum db_result member_keys_by_no(struct db *db, struct arena *a, tenant_id t, const member_no *nos, size_t n, struct member_key_row **out,
                                 size_t *n_out) {
    struct call c = call_of(db, STMT_MEMBER_KEYS_BY_NO, a, n);
    call_u32(&c, t.v);
    for (size_t i = 0; i < n; i++) call_u64(&c, nos[i].v);
    return member_keys_run(&c, out, n_out);
}

/* Outside a transaction each statement is one of its own. What was lost on the way can be inserted again. */
enum db_result member_keys_insert(struct db *db, struct arena *a, const struct member_key_row *rows, size_t n) {
    struct call c = call_of(db, STMT_MEMBER_KEYS_INSERT, a, n);
    for (size_t i = 0; i < n; i++) {
        MUST(i == 0 || key_before(&rows[i - 1], &rows[i]));
        call_u32(&c, rows[i].tenant.v);
        call_bytes(&c, rows[i].external_id);
        call_u64(&c, rows[i].member.v);
        if (rows[i].has_key) {
            call_bytes(&c, (struct str){(const char *)rows[i].sealing_key, SEAL_KEY_BYTES});
        } else {
            call_null(&c);
        }
        call_u64(&c, rows[i].state);
    }
    enum db_result r = call_run(&c);
    return r == DB_UNKNOWN ? DB_GONE : r;
}

enum db_result member_key_erase(struct db *db, struct arena *a, tenant_id t, member_no m) {
    struct buf gone = buf_new(a, 32);
    buf_c(&gone, '\0'); /* no public id has it */
    buf_f(&gone, "%llu", (unsigned long long)m.v);
    MUST(buf_ok(&gone));
    struct call c = call_of(db, STMT_MEMBER_KEY_ERASE, a, 1);
    call_bytes(&c, buf_str(&gone));
    call_u64(&c, MEMBER_ERASED);
    call_u32(&c, t.v);
    call_u64(&c, m.v);
    enum db_result r = call_run(&c);
    return r ? r : c.affected ? DB_OK : DB_NOT_FOUND;
}

/* ---- profiles ---- */

struct profile_row profile_read(struct call *c) {
    struct profile_row p;
    p.m.tenant.v = (uint32_t)col_u64(c);
    p.m.member.v = col_u64(c);
    p.display_name = col_bytes(c);
    p.attributes = col_bytes(c);
    p.groups = col_bytes(c);
    p.type = col_bytes(c);
    p.status = (enum member_status)col_u64(c);
    return p;
}

enum db_result profiles_load(struct db *db, struct arena *a, const struct member_ref *m, size_t n, struct profile_row **out,
                             size_t *n_out) {
    struct call c = call_of(db, STMT_PROFILES_LOAD, a, n);
    for (size_t i = 0; i < n; i++) {
        call_u32(&c, m[i].tenant.v);
        call_u64(&c, m[i].member.v);
    }
    enum db_result r = call_run(&c);
    *n_out = call_count(&c);
    *out = NEW_ARRAY(a, struct profile_row, *n_out);
    for (size_t i = 0; call_next(&c); i++) (*out)[i] = profile_read(&c);
    return r;
}

enum db_result profile_write(struct db *db, struct arena *a, const struct profile_row *p) {
    struct call c = call_of(db, STMT_PROFILE_WRITE, a, 1);
    call_u32(&c, p->m.tenant.v);
    call_u64(&c, p->m.member.v);
    call_bytes(&c, p->display_name);
    call_bytes(&c, p->attributes);
    call_bytes(&c, p->groups);
    call_bytes(&c, p->type);
    call_u64(&c, p->status);
    return call_run(&c);
}

enum db_result member_erase_rows(struct db *db, struct arena *a, struct member_ref m) {
    static const int STATEMENTS[] = {STMT_PROFILE_DELETE, STMT_GROUPS_DELETE, STMT_PAYMENTS_DELETE, STMT_DERIVED_DELETE};
    enum db_result r = DB_OK;
    for (size_t i = 0; !r && i < COUNT(STATEMENTS); i++) {
        struct call c = call_of(db, STATEMENTS[i], a, 1);
        call_u32(&c, m.tenant.v);
        call_u64(&c, m.member.v);
        r = call_run(&c);
    }
    return r;
}
