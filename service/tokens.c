#include "service/tokens.h"

#include "base/log.h"
#include "service/inside.h"

/* A key that nobody signs with: a token of HS256 whose kid is unknown runs the same hash and the same comparison. */
static const struct jwt_key nobody = {JWT_HS256, {"00000000000000000000000000000000", JWT_SECRET_BYTES_MIN}};

static bool key_open(struct service *s, struct arena *a, const struct token_key_row *row, struct jwt_key *out) {
    const struct tenant_keys *keys = service_tenant_keys(s, row->tenant);
    struct str associated = token_key_associated(a, row->tenant, row->algorithm, row->kid);
    out->algorithm = (enum jwt_algorithm)row->algorithm;
    if (jwt_algorithm_name(out->algorithm) != NULL && crypto_open(a, keys->tokens.b, associated, row->material, &out->material))
        return true;
    log_line(LOG_ERROR, "token_key", "what=\"damaged row\" tenant=%u kid=" STR_FMT, row->tenant.v, STR_ARG(row->kid));
    return false;
}

static enum problem problem_of(enum db_result r) { return r == DB_OK ? P_OK : r == DB_FATAL ? P_INTERNAL : P_UNAVAILABLE; }

static enum problem refuse(struct credential *out, const char *why) {
    out->why = why;
    return P_UNAUTHENTICATED;
}

/* The member of a genuine token, as it is now. */
static enum problem take_member(struct service *s, struct arena *a, tenant_id t, struct str sub, struct credential *out) {
    struct member_key_row wanted = {.tenant = t, .external_id = sub}, *key;
    struct member_state *state = NULL;
    size_t n, n_states = 0;
    enum db_result r = member_keys_find(s->db, a, &wanted, 1, &key, &n);
    if (r == DB_OK && n == 1 && key->has_key) {
        struct member_ref ref = {t, key->member};
        r = states_load(s->db, a, &ref, 1, &state, &n_states);
    }
    if (r != DB_OK) return problem_of(r);
    if (n_states == 0) return refuse(out, "the tenant has no member that is the token's sub");
    if (state->status != MEMBER_ACTIVE) return refuse(out, "the member is suspended");
    out->member = key->member;
    out->member_id = str_copy(a, sub);
    return P_OK;
}

/* Nobody is told why a token is refused before its signature has shown that the tenant's own back end made it. */
static enum problem judge(struct service *s, struct arena *a, const struct token_front_row *row, const struct jwt *t, int64_t now_ms,
                          struct credential *out) {
    struct jwt_key key = nobody;
    struct jwt_claims claims;
    bool known = row != NULL && key_open(s, a, &row->key, &key);
    bool genuine = jwt_verify(t, &key) && known;
    if (!genuine || row->key.revoked_at != 0) return P_UNAUTHENTICATED;
    *out = (struct credential){.key_id = str_copy(a, row->key.kid), .scopes = SCOPE_SELF, .tenant = row->tenant};
    const char *why = jwt_claims_read(a, t, row->tenant.code, now_ms, &claims);
    if (why != NULL) return refuse(out, why);
    if (row->tenant.status == TENANT_SUSPENDED) return P_SUSPENDED;
    return take_member(s, a, row->tenant.id, claims.sub, out);
}

static const struct token_front_row *row_of(const struct token_front_row *rows, size_t n, struct str kid) {
    for (size_t i = 0; i < n; i++) {
        if (str_eq(rows[i].key.kid, kid)) return &rows[i];
    }
    return NULL;
}

void tokens_authenticate(struct service *s, struct arena *a, const struct str *bearers, size_t n, int64_t now_ms, struct credential *out,
                         enum problem *problems) {
    struct jwt *tokens = NEW_ARRAY(a, struct jwt, n);
    struct str *kids = NEW_ARRAY(a, struct str, n);
    bool *is_token = NEW_ARRAY(a, bool, n);
    struct token_front_row *rows;
    size_t n_kids = 0, n_rows;
    for (size_t i = 0; i < n; i++) {
        if (!jwt_looks_like(bearers[i])) continue;
        problems[i] = P_UNAUTHENTICATED;
        is_token[i] = jwt_read(a, bearers[i], &tokens[i]) && key_id_is_valid(tokens[i].kid);
        bool asked = !is_token[i];
        for (size_t j = 0; j < n_kids && !asked; j++) asked = str_eq(kids[j], tokens[i].kid);
        if (!asked) kids[n_kids++] = tokens[i].kid;
    }
    if (n_kids == 0) return;
    enum db_result r = token_front_read(s->db, a, kids, n_kids, &rows, &n_rows);
    for (size_t i = 0; i < n; i++) {
        if (!is_token[i]) continue;
        problems[i] = r != DB_OK ? problem_of(r) : judge(s, a, row_of(rows, n_rows, tokens[i].kid), &tokens[i], now_ms, &out[i]);
    }
}
