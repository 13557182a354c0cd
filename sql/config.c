#include "sql/statements.h"
#include "sql/tenants.h"

static enum db_result read_definitions(struct call *c, struct arena *a, struct definition_row **out, size_t *n) {
    enum db_result r = call_run(c);
    *n = call_count(c);
    *out = NEW_ARRAY(a, struct definition_row, *n);
    for (size_t i = 0; call_next(c); i++) {
        struct definition_row *d = &(*out)[i];
        d->kind = col_bytes(c);
        d->code = col_bytes(c);
        d->body = col_bytes(c);
        d->version = col_u64(c);
        d->until = col_u64(c);
    }
    return r;
}

enum db_result definitions_at(struct db *db, struct arena *a, tenant_id t, uint64_t version, struct definition_row **out, size_t *n) {
    struct call c = call_of(db, STMT_DEFINITIONS_AT, a, 1);
    call_u32(&c, t.v);
    call_u64(&c, version);
    call_u64(&c, version);
    return read_definitions(&c, a, out, n);
}

enum db_result definition_history(struct db *db, struct arena *a, tenant_id t, struct str kind, struct str code, uint64_t before,
                                  size_t limit, struct definition_row **out, size_t *n) {
    struct call c = call_of(db, STMT_DEFINITION_HISTORY, a, 1);
    call_u32(&c, t.v);
    call_bytes(&c, kind);
    call_bytes(&c, code);
    call_u64(&c, before);
    call_u64(&c, limit);
    return read_definitions(&c, a, out, n);
}

enum db_result definitions_end(struct db *db, struct arena *a, tenant_id t, const struct definition_row *d, size_t n, uint64_t until) {
    struct call c = call_of(db, STMT_DEFINITIONS_END, a, n);
    call_u64(&c, until);
    call_u32(&c, t.v);
    for (size_t i = 0; i < n; i++) {
        call_bytes(&c, d[i].kind);
        call_bytes(&c, d[i].code);
    }
    enum db_result r = call_run(&c);
    return r ? r : c.affected == n ? DB_OK : DB_NOT_FOUND;
}

enum db_result definitions_insert(struct db *db, struct arena *a, tenant_id t, const struct definition_row *d, size_t n) {
    struct call c = call_of(db, STMT_DEFINITIONS_INSERT, a, n);
    for (size_t i = 0; i < n; i++) {
        call_u32(&c, t.v);
        call_bytes(&c, d[i].kind);
        call_bytes(&c, d[i].code);
        call_u64(&c, d[i].version);
        call_u64(&c, d[i].until);
        call_bytes(&c, d[i].body);
    }
    return call_run(&c);
}

enum db_result codes_read(struct db *db, struct arena *a, tenant_id t, struct code_number **out, size_t *n) {
    struct call c = call_of(db, STMT_CODES_READ, a, 1);
    call_u32(&c, t.v);
    enum db_result r = call_run(&c);
    *n = call_count(&c);
    *out = NEW_ARRAY(a, struct code_number, *n);
    for (size_t i = 0; call_next(&c); i++) {
        struct code_number *code = &(*out)[i];
        code->kind = (enum code_kind)col_u64(&c);
        code->no = (uint16_t)col_u64(&c);
        code->code = col_bytes(&c);
    }
    return r;
}

enum db_result codes_insert(struct db *db, struct arena *a, tenant_id t, const struct code_number *codes, size_t n) {
    struct call c = call_of(db, STMT_CODES_INSERT, a, n);
    for (size_t i = 0; i < n; i++) {
        call_u32(&c, t.v);
        call_u64(&c, codes[i].kind);
        call_bytes(&c, codes[i].code);
        call_u64(&c, codes[i].no);
    }
    return call_run(&c);
}

enum db_result config_advance(struct db *db, struct arena *a, tenant_id t, uint64_t from) {
    struct call c = call_of(db, STMT_CONFIG_ADVANCE, a, 1);
    call_u32(&c, t.v);
    call_u64(&c, from);
    enum db_result r = call_run(&c);
    return r ? r : c.affected ? DB_OK : DB_NOT_FOUND;
}

enum db_result tenant_set_watermark(struct db *db, struct arena *a, const struct tenant_row *as_read, int64_t watermark_ms) {
    struct call c = call_of(db, STMT_TENANT_SET_WATERMARK, a, 1);
    call_i64(&c, watermark_ms);
    call_u32(&c, as_read->id.v);
    call_i64(&c, as_read->watermark_ms);
    enum db_result r = call_run(&c);
    return r ? r : c.affected ? DB_OK : DB_NOT_FOUND;
}

enum db_result version_insert(struct db *db, struct arena *a, tenant_id t, const struct version_row *v) {
    struct call c = call_of(db, STMT_VERSION_INSERT, a, 1);
    call_u32(&c, t.v);
    call_u64(&c, v->version);
    call_i64(&c, v->created_at);
    call_bytes(&c, v->actor);
    call_bytes(&c, v->zone_before);
    call_i64(&c, v->zone_from_ms);
    return call_run(&c);
}

static void read_version(struct call *c, struct version_row *out) {
    out->version = col_u64(c);
    out->created_at = col_i64(c);
    out->actor = col_bytes(c);
    out->zone_before = col_bytes(c);
    out->zone_from_ms = col_i64(c);
}

static enum db_result version_one(struct db *db, int statement, struct arena *a, tenant_id t, uint64_t version, struct version_row *out) {
    struct call c = call_of(db, statement, a, 1);
    call_u32(&c, t.v);
    call_u64(&c, version);
    enum db_result r = call_run(&c);
    if (r) return r;
    if (!call_next(&c)) return DB_NOT_FOUND;
    read_version(&c, out);
    return DB_OK;
}

enum db_result versions_page(struct db *db, struct arena *a, tenant_id t, uint64_t before, size_t limit, struct version_row **out,
                             size_t *n) {
    struct call c = call_of(db, STMT_VERSIONS_PAGE, a, 1);
    call_u32(&c, t.v);
    call_u64(&c, before);
    call_u64(&c, limit);
    enum db_result r = call_run(&c);
    *n = call_count(&c);
    *out = NEW_ARRAY(a, struct version_row, *n);
    for (size_t i = 0; call_next(&c); i++) read_version(&c, &(*out)[i]);
    return r;
}

enum db_result version_zone_change(struct db *db, struct arena *a, tenant_id t, uint64_t version, struct version_row *out) {
    return version_one(db, STMT_VERSION_ZONE_CHANGE, a, t, version, out);
}

enum db_result version_read(struct db *db, struct arena *a, tenant_id t, uint64_t version, struct version_row *out) {
    return version_one(db, STMT_VERSION_READ, a, t, version, out);
}
