/* sql/tenants.h: tenants, their keys, their configuration: rows in and out. */
#ifndef SQL_TENANTS_H
#define SQL_TENANTS_H

#include "base/crypto/crypto.h"
#include "engine/config.h"
#include "sql/db.h"

enum tenant_status { TENANT_ACTIVE = 0, TENANT_SUSPENDED = 1 };
struct tenant_row {
    tenant_id id;
    struct str code; /* unique in the installation, for people and for the command */
    enum tenant_status status;
    uint64_t config_version;
    int64_t watermark_ms, created_at;
};
/* ids are given by the table, 1 …, and put into t->id; DB_CONFLICT: the code exists */
enum db_result tenant_insert(struct db *db, struct arena *a, struct tenant_row *t);
enum db_result tenant_by_code(struct db *db, struct arena *a, struct str code, struct tenant_row *out);
enum db_result tenant_by_id(struct db *db, struct arena *a, tenant_id id, struct tenant_row *out);
enum db_result tenant_list(struct db *db, struct arena *a, struct tenant_row **out, size_t *n);
/* In the order of their ids, behind `after`. */
enum db_result tenant_page(struct db *db, struct arena *a, tenant_id after, size_t limit, struct tenant_row **out, size_t *n);
enum db_result tenant_set_status(struct db *db, struct arena *a, tenant_id id, enum tenant_status status);

/* Scopes (SEMANTICS 32) are bits; their names are in service/keys. */
struct key_row {
    struct str key_id; /* 16 characters */
    tenant_id tenant;  /* 0: an operator's */
    struct str name, env;
    uint32_t scopes;
    uint8_t secret_hash[32]; /* SHA-256 of the secret */
    bool has_former;         /* a rotation's overlap */
    uint8_t former_hash[32];
    int64_t former_until;
    int64_t created_at, expires_at, revoked_at; /* 0: never */
};
/* A key with its tenant, as the front of every set reads it. tenant.id is 0 for an operator's key. */
struct front_row {
    struct key_row key;
    struct tenant_row tenant;
};
enum db_result front_read(struct db *db, struct arena *a, const struct str *key_ids, size_t n, struct front_row **out, size_t *n_out);
enum db_result key_insert(struct db *db, struct arena *a, const struct key_row *k);
enum db_result key_list(struct db *db, struct arena *a, tenant_id t, struct key_row **out, size_t *n);
/* In the order in which they were made, behind that of (created_at, key_id). */
enum db_result key_page(struct db *db, struct arena *a, tenant_id t, int64_t created_at, struct str key_id, size_t limit,
                        struct key_row **out, size_t *n);
enum db_result key_rotate(struct db *db, struct arena *a, tenant_id t, struct str key_id, const uint8_t hash[32], int64_t former_until);
enum db_result key_revoke(struct db *db, struct arena *a, tenant_id t, struct str key_id, int64_t now_ms);

struct token_key_row { /* what member tokens of a tenant are signed with */
    struct str kid;    /* 16 characters */
    tenant_id tenant;
    struct str name;
    uint8_t algorithm;   /* enum jwt_algorithm */
    struct str material; /* sealed */
    int64_t created_at, revoked_at;
};
struct token_front_row {
    struct token_key_row key;
    struct tenant_row tenant;
};
enum db_result token_front_read(struct db *db, struct arena *a, const struct str *kids, size_t n, struct token_front_row **out,
                                size_t *n_out);
enum db_result token_key_insert(struct db *db, struct arena *a, const struct token_key_row *k); /* DB_CONFLICT: the kid exists */
enum db_result token_key_list(struct db *db, struct arena *a, tenant_id t, struct token_key_row **out, size_t *n);
enum db_result token_key_page(struct db *db, struct arena *a, tenant_id t, int64_t created_at, struct str kid, size_t limit,
                              struct token_key_row **out, size_t *n); /* as key_page */
enum db_result token_key_revoke(struct db *db, struct arena *a, tenant_id t, struct str kid, int64_t now_ms);

/* Configuration. A definition is stored from the version that brought it until the version that ended it (exclusive). */
struct definition_row {
    struct str kind, code, body; /* body: JSON text of the definition */
    uint64_t version, until;     /* until 0: current */
};
enum db_result definitions_at(struct db *db, struct arena *a, tenant_id t, uint64_t version, struct definition_row **out, size_t *n);
enum db_result codes_read(struct db *db, struct arena *a, tenant_id t, struct code_number **out, size_t *n);
enum db_result codes_insert(struct db *db, struct arena *a, tenant_id t, const struct code_number *codes, size_t n);
struct version_row {
    uint64_t version;
    int64_t created_at;
    struct str actor;       /* key id, "command", … */
    struct str zone_before; /* "" unless this version changed the tenant's zone, with the moment from which the new one counts */
    int64_t zone_from_ms;
};
/* Within a transaction: raises tenant.config_version from `from`; DB_NOT_FOUND where it is another by now. Locks the tenant's row. */
enum db_result config_advance(struct db *db, struct arena *a, tenant_id t, uint64_t from);
/* Within such a transaction; DB_NOT_FOUND where the watermark is another by now. */
enum db_result tenant_set_watermark(struct db *db, struct arena *a, const struct tenant_row *as_read, int64_t watermark_ms);
enum db_result version_insert(struct db *db, struct arena *a, tenant_id t, const struct version_row *v);
/* The latest change of zone at or before a version: DB_NOT_FOUND: none. */
enum db_result version_zone_change(struct db *db, struct arena *a, tenant_id t, uint64_t version, struct version_row *out);
enum db_result version_read(struct db *db, struct arena *a, tenant_id t, uint64_t version, struct version_row *out);
/* Versions of one definition below `before`, newest first. */
enum db_result definition_history(struct db *db, struct arena *a, tenant_id t, struct str kind, struct str code, uint64_t before,
                                  size_t limit, struct definition_row **out, size_t *n);
/* Newest first, versions below `before`. */
enum db_result versions_page(struct db *db, struct arena *a, tenant_id t, uint64_t before, size_t limit, struct version_row **out,
                             size_t *n);
enum db_result definitions_end(struct db *db, struct arena *a, tenant_id t, const struct definition_row *d, size_t n, uint64_t until);
enum db_result definitions_insert(struct db *db, struct arena *a, tenant_id t, const struct definition_row *d, size_t n);

#endif
