#include "service/keys.h"

#include <string.h>

#include "base/clock.h"
#include "service/inside.h"
#include "service/tokens.h"

static const struct {
    enum scope scope;
    const char *name;
} scope_names[] = {
    {SCOPE_EVENTS_WRITE, "events:write"},
    {SCOPE_MEMBERS_READ, "members:read"},
    {SCOPE_MEMBERS_WRITE, "members:write"},
    {SCOPE_LEDGER_WRITE, "ledger:write"},
    {SCOPE_CONFIG_READ, "config:read"},
    {SCOPE_CONFIG_WRITE, "config:write"},
    {SCOPE_REWARDS_WRITE, "rewards:write"},
    {SCOPE_ANALYTICS_READ, "analytics:read"},
    {SCOPE_PUBLIC, "public"},
    {SCOPE_SELF, "self"},
    {SCOPE_OPERATOR, "operator"},
};

const char *scope_name(enum scope one) {
    for (size_t i = 0; i < COUNT(scope_names); i++) {
        if (scope_names[i].scope == one) return scope_names[i].name;
    }
    return "none";
}

bool scopes_parse(struct str text, uint32_t *out) {
    uint32_t scopes = 0;
    if (str_is(text, "all")) {
        *out = SCOPES_TENANT;
        return true;
    }
    for (struct str rest = text; rest.n > 0;) {
        struct str name = str_cut(&rest, ',');
        size_t i = 0;
        while (i < COUNT(scope_names) && !str_is(name, scope_names[i].name)) i++;
        if (i == COUNT(scope_names) || scope_names[i].scope == SCOPE_SELF || scope_names[i].scope == SCOPE_OPERATOR) return false;
        scopes |= scope_names[i].scope;
    }
    *out = scopes;
    return scopes != 0;
}

struct str scopes_text(struct arena *a, uint32_t scopes) {
    struct buf b = buf_new(a, 512);
    for (size_t i = 0; i < COUNT(scope_names); i++) {
        if ((scopes & scope_names[i].scope) == 0) continue;
        if (b.n > 0) buf_c(&b, ',');
        buf_z(&b, scope_names[i].name);
    }
    MUST(buf_ok(&b));
    return buf_str(&b);
}

void scopes_put(struct json_writer *w, uint32_t scopes) {
    json_open_array(w);
    for (size_t i = 0; i < COUNT(scope_names); i++) {
        if ((scopes & scope_names[i].scope) != 0) json_put_z(w, scope_names[i].name);
    }
    json_close_array(w);
}

/* ---- authentication ---- */

/* A record that no secret matches: an unknown key runs the same hash and the same comparisons. */
static const struct front_row nobody = {.key = {.key_id = {"0000000000000000", API_KEY_ID_CHARS}}};

static bool secret_matches(const struct key_row *k, struct str secret, int64_t now_ms) {
    uint8_t hash[32];
    crypto_sha256(secret, hash);
    bool present = crypto_equal(hash, k->secret_hash, sizeof hash);
    bool former = crypto_equal(hash, k->former_hash, sizeof hash);
    return present || (former && k->has_former && now_ms < k->former_until);
}

static enum problem judge(const struct front_row *row, const struct api_token *token, int64_t now_ms, struct credential *out) {
    const struct key_row *k = row != NULL ? &row->key : &nobody.key;
    bool known = secret_matches(k, token->secret, now_ms) && row != NULL && str_eq(k->env, token->env);
    if (!known || k->revoked_at != 0 || (k->expires_at != 0 && now_ms >= k->expires_at)) return P_UNAUTHENTICATED;
    *out = (struct credential){.key_id = k->key_id, .scopes = k->scopes, .tenant = row->tenant};
    return row->tenant.id.v != 0 && row->tenant.status == TENANT_SUSPENDED ? P_SUSPENDED : P_OK;
}

static struct key_slot *slot_of(struct service *s, struct str key_id) {
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < key_id.n; i++) h = (h ^ (uint8_t)key_id.p[i]) * 16777619u;
    return &s->key_slots[h % KEY_SLOTS];
}

static const struct front_row *slot_find(struct service *s, struct str key_id, int64_t max_age_ms) {
    struct key_slot *slot = slot_of(s, key_id);
    bool fresh = slot->read_us != 0 && clock_monotonic_us() - slot->read_us <= max_age_ms * 1000;
    return fresh && memcmp(slot->key_id, key_id.p, API_KEY_ID_CHARS) == 0 ? &slot->row : NULL;
}

/* Copies what a later read needs; the texts move into the slot's own arena. */
static void slot_keep(struct service *s, const struct front_row *row) {
    struct key_slot *slot = slot_of(s, row->key.key_id);
    if (slot->arena == NULL) slot->arena = arena_new();
    arena_reset(slot->arena);
    memcpy(slot->key_id, row->key.key_id.p, API_KEY_ID_CHARS);
    slot->row = *row;
    slot->row.key.key_id = str_copy(slot->arena, row->key.key_id);
    slot->row.key.name = str_copy(slot->arena, row->key.name);
    slot->row.key.env = str_copy(slot->arena, row->key.env);
    slot->row.tenant.code = str_copy(slot->arena, row->tenant.code);
    slot->read_us = clock_monotonic_us();
}

static const struct front_row *row_of(const struct front_row *rows, size_t n, struct str key_id) {
    for (size_t i = 0; i < n; i++) {
        if (str_eq(rows[i].key.key_id, key_id)) return &rows[i];
    }
    return NULL;
}

void keys_authenticate(struct service *s, struct arena *a, const struct str *bearers, size_t n, int64_t max_age_ms, int64_t now_ms,
                       struct credential *out, enum problem *problems) {
    struct api_token *tokens = NEW_ARRAY(a, struct api_token, n);
    const struct front_row **known = NEW_ARRAY(a, const struct front_row *, n);
    struct str *wanted = NEW_ARRAY(a, struct str, n);
    size_t n_wanted = 0;
    for (size_t i = 0; i < n; i++) {
        problems[i] = api_token_parse(bearers[i], &tokens[i]) ? P_OK : P_UNAUTHENTICATED;
        if (problems[i] != P_OK) continue;
        known[i] = max_age_ms > 0 ? slot_find(s, tokens[i].key_id, max_age_ms) : NULL;
        /* An old record lets in, but never refuses: a secret that was made just now counts at once, and a wrong one takes as long as an
         * unknown key does. */
        if (judge(known[i], &tokens[i], now_ms, &out[i]) == P_UNAUTHENTICATED) known[i] = NULL;
        bool asked = known[i] != NULL;
        for (size_t j = 0; j < n_wanted && !asked; j++) asked = str_eq(wanted[j], tokens[i].key_id);
        if (!asked) wanted[n_wanted++] = tokens[i].key_id;
    }
    struct front_row *rows = NULL;
    size_t n_rows = 0;
    enum db_result r = n_wanted > 0 ? front_read(s->db, a, wanted, n_wanted, &rows, &n_rows) : DB_OK;
    for (size_t i = 0; i < n; i++) {
        if (problems[i] != P_OK) continue;
        if (known[i] == NULL && r != DB_OK) {
            problems[i] = r == DB_FATAL ? P_INTERNAL : P_UNAVAILABLE;
            continue;
        }
        const struct front_row *row = known[i] != NULL ? known[i] : row_of(rows, n_rows, tokens[i].key_id);
        problems[i] = judge(row, &tokens[i], now_ms, &out[i]);
        out[i].key_id = str_copy(a, out[i].key_id);
        out[i].tenant.code = str_copy(a, out[i].tenant.code);
    }
    s->front_fresh = max_age_ms == 0;
    for (size_t i = 0; i < n_rows; i++) slot_keep(s, &rows[i]); /* last: it may take the place of a slot that was used above */
    tokens_authenticate(s, a, bearers, n, now_ms, out, problems);
}
