#include "sql/tenants.h"

#include <string.h>

#include "sql/statements.h"

static void tenant_read(struct call *c, struct tenant_row *t) {
    t->id.v = (uint32_t)col_u64(c);
    t->code = col_bytes(c);
    t->status = (enum tenant_status)col_u64(c);
    t->config_version = col_u64(c);
    t->watermark_ms = col_i64(c);
    t->created_at = col_i64(c);
}

enum db_result tenant_insert(struct db *db, struct arena *a, struct tenant_row *t) {
    struct call c = call_of(db, STMT_TENANT_INSERT, a, 1);
    call_bytes(&c, t->code);
    call_u64(&c, t->status);
    call_u64(&c, t->config_version);
    call_i64(&c, t->watermark_ms);
    call_i64(&c, t->created_at);
    enum db_result r = call_run(&c);
    if (!r) t->id.v = (uint32_t)db_last_id(db);
    return r;
}

static enum db_result tenant_one(struct call *c, struct tenant_row *out) {
    enum db_result r = call_run(c);
    if (r) return r;
    if (!call_next(c)) return DB_NOT_FOUND;
    tenant_read(c, out);
    return DB_OK;
}

enum db_result tenant_by_code(struct db *db, struct arena *a, struct str code, struct tenant_row *out) {
    struct call c = call_of(db, STMT_TENANT_BY_CODE, a, 1);
    call_bytes(&c, code);
    return tenant_one(&c, out);
}

enum db_result tenant_by_id(struct db *db, struct arena *a, tenant_id id, struct tenant_row *out) {
    struct call c = call_of(db, STMT_TENANT_BY_ID, a, 1);
    call_u32(&c, id.v);
    return tenant_one(&c, out);
}

static enum db_result tenants_read(struct call *c, struct arena *a, struct tenant_row **out, size_t *n) {
    enum db_result r = call_run(c);
    *n = call_count(c);
    *out = NEW_ARRAY(a, struct tenant_row, *n);
    for (size_t i = 0; call_next(c); i++) tenant_read(c, &(*out)[i]);
    return r;
}

enum db_result tenant_list(struct db *db, struct arena *a, struct tenant_row **out, size_t *n) {
    struct call c = call_of(db, STMT_TENANT_LIST, a, 1);
    return tenants_read(&c, a, out, n);
}

enum db_result tenant_page(struct db *db, struct arena *a, tenant_id after, size_t limit, struct tenant_row **out, size_t *n) {
    struct call c = call_of(db, STMT_TENANT_PAGE, a, 1);
    call_u32(&c, after.v);
    call_u64(&c, limit);
    return tenants_read(&c, a, out, n);
}

enum db_result tenant_set_status(struct db *db, struct arena *a, tenant_id id, enum tenant_status status) {
    struct call c = call_of(db, STMT_TENANT_SET_STATUS, a, 1);
    call_u64(&c, status);
    call_u32(&c, id.v);
    enum db_result r = call_run(&c);
    return r ? r : c.affected ? DB_OK : DB_NOT_FOUND;
}

/* ---- keys ---- */

static struct str hash_str(const uint8_t hash[32]) { return (struct str){(const char *)hash, 32}; }

static void hash_read(struct call *c, uint8_t out[32], bool *present) {
    struct str s = col_bytes(c);
    *present = s.p != NULL;
    if (s.n == 32) memcpy(out, s.p, 32);
}

static void key_read(struct call *c, struct key_row *k) {
    bool has_hash;
    k->key_id = col_bytes(c);
    k->tenant.v = (uint32_t)col_u64(c);
    k->name = col_bytes(c);
    k->env = col_bytes(c);
    k->scopes = (uint32_t)col_u64(c);
    hash_read(c, k->secret_hash, &has_hash);
    hash_read(c, k->former_hash, &k->has_former);
    k->former_until = col_i64(c);
    k->created_at = col_i64(c);
    k->expires_at = col_i64(c);
    k->revoked_at = col_i64(c);
}

enum db_result front_read(struct db *db, struct arena *a, const struct str *key_ids, size_t n, struct front_row **out, size_t *n_out) {
    struct call c = call_of(db, STMT_FRONT_READ, a, n);
    for (size_t i = 0; i < n; i++) call_bytes(&c, key_ids[i]);
    enum db_result r = call_run(&c);
    *n_out = call_count(&c);
    *out = NEW_ARRAY(a, struct front_row, *n_out);
    for (size_t i = 0; call_next(&c); i++) {
        key_read(&c, &(*out)[i].key);
        tenant_read(&c, &(*out)[i].tenant);
    }
    return r;
}

enum db_result key_insert(struct db *db, struct arena *a, const struct key_row *k) {
    struct call c = call_of(db, STMT_KEY_INSERT, a, 1);
    call_bytes(&c, k->key_id);
    call_u32(&c, k->tenant.v);
    call_bytes(&c, k->name);
    call_bytes(&c, k->env);
    call_u64(&c, k->scopes);
    call_bytes(&c, hash_str(k->secret_hash));
    if (k->has_former) {
        call_bytes(&c, hash_str(k->former_hash));
    } else {
        call_null(&c);
    }
    call_i64(&c, k->former_until);
    call_i64(&c, k->created_at);
    call_i64(&c, k->expires_at);
    call_i64(&c, k->revoked_at);
    return call_run(&c);
}

static enum db_result keys_read(struct call *c, struct arena *a, struct key_row **out, size_t *n) {
    enum db_result r = call_run(c);
    *n = call_count(c);
    *out = NEW_ARRAY(a, struct key_row, *n);
    for (size_t i = 0; call_next(c); i++) key_read(c, &(*out)[i]);
    return r;
}

enum db_result key_list(struct db *db, struct arena *a, tenant_id t, struct key_row **out, size_t *n) {
    struct call c = call_of(db, STMT_KEY_LIST, a, 1);
    call_u32(&c, t.v);
    return keys_read(&c, a, out, n);
}

enum db_result key_page(struct db *db, struct arena *a, tenant_id t, int64_t created_at, struct str key_id, size_t limit,
                        struct key_row **out, size_t *n) {
    struct call c = call_of(db, STMT_KEY_PAGE, a, 1);
    call_u32(&c, t.v);
    call_i64(&c, created_at);
    call_i64(&c, created_at);
    call_bytes(&c, key_id);
    call_u64(&c, limit);
    return keys_read(&c, a, out, n);
}

enum db_result key_rotate(struct db *db, struct arena *a, tenant_id t, struct str key_id, const uint8_t hash[32], int64_t former_until) {
    struct call c = call_of(db, STMT_KEY_ROTATE, a, 1);
    call_i64(&c, former_until);
    call_bytes(&c, hash_str(hash));
    call_u32(&c, t.v);
    call_bytes(&c, key_id);
    enum db_result r = call_run(&c);
    return r ? r : c.affected ? DB_OK : DB_NOT_FOUND;
}

enum db_result key_revoke(struct db *db, struct arena *a, tenant_id t, struct str key_id, int64_t now_ms) {
    struct call c = call_of(db, STMT_KEY_REVOKE, a, 1);
    call_i64(&c, now_ms);
    call_u32(&c, t.v);
    call_bytes(&c, key_id);
    enum db_result r = call_run(&c);
    return r ? r : c.affected ? DB_OK : DB_NOT_FOUND;
}

/* ---- keys of member tokens ---- */

static void token_key_read(struct call *c, struct token_key_row *k) {
    k->kid = col_bytes(c);
    k->tenant.v = (uint32_t)col_u64(c);
    k->name = col_bytes(c);
    k->algorithm = (uint8_t)col_u64(c);
    k->material = col_bytes(c);
    k->created_at = col_i64(c);
    k->revoked_at = col_i64(c);
}

enum db_result token_front_read(struct db *db, struct arena *a, const struct str *kids, size_t n, struct token_front_row **out,
                                size_t *n_out) {
    struct call c = call_of(db, STMT_TOKEN_FRONT_READ, a, n);
    for (size_t i = 0; i < n; i++) call_bytes(&c, kids[i]);
    enum db_result r = call_run(&c);
    *n_out = call_count(&c);
    *out = NEW_ARRAY(a, struct token_front_row, *n_out);
    for (size_t i = 0; call_next(&c); i++) {
        token_key_read(&c, &(*out)[i].key);
        tenant_read(&c, &(*out)[i].tenant);
    }
    return r;
}

enum db_result token_key_insert(struct db *db, struct arena *a, const struct token_key_row *k) {
    struct call c = call_of(db, STMT_TOKEN_KEY_INSERT, a, 1);
    call_bytes(&c, k->kid);
    call_u32(&c, k->tenant.v);
    call_bytes(&c, k->name);
    call_u64(&c, k->algorithm);
    call_bytes(&c, k->material);
    call_i64(&c, k->created_at);
    call_i64(&c, k->revoked_at);
    return call_run(&c);
}

static enum db_result token_keys_read(struct call *c, struct arena *a, struct token_key_row **out, size_t *n) {
    enum db_result r = call_run(c);
    *n = call_count(c);
    *out = NEW_ARRAY(a, struct token_key_row, *n);
    for (size_t i = 0; call_next(c); i++) token_key_read(c, &(*out)[i]);
    return r;
}

enum db_result token_key_list(struct db *db, struct arena *a, tenant_id t, struct token_key_row **out, size_t *n) {
    struct call c = call_of(db, STMT_TOKEN_KEY_LIST, a, 1);
    call_u32(&c, t.v);
    return token_keys_read(&c, a, out, n);
}

enum db_result token_key_page(struct db *db, struct arena *a, tenant_id t, int64_t created_at, struct str kid, size_t limit,
                              struct token_key_row **out, size_t *n) {
    struct call c = call_of(db, STMT_TOKEN_KEY_PAGE, a, 1);
    call_u32(&c, t.v);
    call_i64(&c, created_at);
    call_i64(&c, created_at);
    call_bytes(&c, kid);
    call_u64(&c, limit);
    return token_keys_read(&c, a, out, n);
}

enum db_result token_key_revoke(struct db *db, struct arena *a, tenant_id t, struct str kid, int64_t now_ms) {
    struct call c = call_of(db, STMT_TOKEN_KEY_REVOKE, a, 1);
    call_i64(&c, now_ms);
    call_u32(&c, t.v);
    call_bytes(&c, kid);
    enum db_result r = call_run(&c);
    return r ? r : c.affected ? DB_OK : DB_NOT_FOUND;
}
