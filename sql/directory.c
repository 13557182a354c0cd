#include "sql/directory.h"

#include "sql/statements.h"

enum db_result member_keys_page(struct db *db, struct arena *a, tenant_id t, struct str prefix, struct str after, size_t limit,
                                struct listed_key **out, size_t *n_out) {
    struct call c = call_of(db, STMT_MEMBER_KEYS_PAGE, a, 1);
    call_u32(&c, t.v);
    call_bytes(&c, prefix);
    call_bytes(&c, after);
    call_bytes(&c, str_printf(a, STR_FMT "\xff", STR_ARG(prefix))); /* no UTF-8 has this byte: above all that begin so */
    call_u64(&c, limit);
    enum db_result r = call_run(&c);
    *n_out = call_count(&c);
    *out = NEW_ARRAY(a, struct listed_key, *n_out);
    for (size_t i = 0; call_next(&c); i++) {
        (*out)[i].external_id = col_bytes(&c);
        (*out)[i].member.v = col_u64(&c);
    }
    return r;
}

/* "%part%", where what LIKE gives a meaning stands for itself. */
static struct str pattern_of(struct arena *a, struct str part) {
    struct buf b = buf_new(a, 2 * part.n + 2);
    buf_c(&b, '%');
    for (size_t i = 0; i < part.n; i++) {
        if (part.p[i] == '%' || part.p[i] == '_' || part.p[i] == '|') buf_c(&b, '|');
        buf_c(&b, part.p[i]);
    }
    if (part.n) buf_c(&b, '%');
    MUST(buf_ok(&b));
    return buf_str(&b);
}

static struct call page_call(struct db *db, struct arena *a, tenant_id t, const struct profiles_of *of) {
    static const int STATEMENTS[] = {
        [PROFILES_ALL] = STMT_PROFILES_PAGE,
        [PROFILES_TYPE] = STMT_PROFILES_OF_TYPE,
        [PROFILES_STATUS] = STMT_PROFILES_OF_STATUS,
        [PROFILES_GROUP] = STMT_PROFILES_OF_GROUP,
    };
    struct call c = call_of(db, STATEMENTS[of->what], a, 1);
    call_bytes(&c, pattern_of(a, of->part));
    call_u32(&c, t.v);
    if (of->what == PROFILES_TYPE) call_bytes(&c, of->type);
    if (of->what == PROFILES_STATUS) call_u64(&c, of->status);
    if (of->what == PROFILES_GROUP) {
        call_bytes(&c, of->kind);
        call_bytes(&c, of->code);
    }
    return c;
}

enum db_result profiles_page(struct db *db, struct arena *a, tenant_id t, const struct profiles_of *of, member_no after, size_t limit,
                             struct listed_profile **out, size_t *n_out) {
    struct call c = page_call(db, a, t, of);
    call_u64(&c, after.v);
    call_u64(&c, limit);
    enum db_result r = call_run(&c);
    *n_out = call_count(&c);
    *out = NEW_ARRAY(a, struct listed_profile, *n_out);
    for (size_t i = 0; call_next(&c); i++) {
        (*out)[i].profile = profile_read(&c);
        (*out)[i].name_fits = col_u64(&c) != 0;
    }
    return r;
}

enum db_result member_groups_write(struct db *db, struct arena *a, struct member_ref m, const struct group_ref *groups, size_t n) {
    MUST(db_in_transaction(db));
    struct call gone = call_of(db, STMT_GROUPS_DELETE, a, 1);
    call_u32(&gone, m.tenant.v);
    call_u64(&gone, m.member.v);
    enum db_result r = call_run(&gone);
    if (r || n == 0) return r;
    struct call c = call_of(db, STMT_GROUPS_INSERT, a, n);
    for (size_t i = 0; i < n; i++) {
        call_u32(&c, m.tenant.v);
        call_bytes(&c, groups[i].kind);
        call_bytes(&c, groups[i].code);
        call_u64(&c, m.member.v);
    }
    return call_run(&c);
}
