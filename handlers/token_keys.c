/* handlers/token_keys.c: /v1/tenants/{tenant}/token-keys, for the operator: what a tenant's back end signs member tokens with (M2). */
#include "service/tokens.h"

#include "base/limits.h"
#include "handlers/answering.h"
#include "handlers/handlers.h"
#include "service/config.h"

static void read_algorithm(struct shape_reading *r, const struct json *v, struct str pointer, void *into) {
    if (v->type == JSON_STRING && jwt_algorithm_of(v->string, into)) return;
    fault_add(r->faults, P_VALIDATION, pointer, "must be HS256, RS256, ES256 or EdDSA");
}

/* A PEM has line ends, which no other text of a body may have. */
static void read_pem(struct shape_reading *r, const struct json *v, struct str pointer, void *into) {
    if (v->type == JSON_STRING && v->string.n > 0) {
        *(struct str *)into = v->string;
    } else {
        fault_add(r->faults, P_VALIDATION, pointer, "must be a public key in PEM");
    }
}

static const struct field token_key_fields[] = {
    {.name = "name",
     .type = F_STRING,
     .required = true,
     .offset = offsetof(struct token_key_in, name),
     .present = NOT_TRACKED,
     .lo = 1,
     .hi = NAME_BYTES_MAX,
     .doc = "What the key is for."},
    {.name = "algorithm",
     .type = F_CUSTOM,
     .required = true,
     .offset = offsetof(struct token_key_in, algorithm),
     .present = NOT_TRACKED,
     .read = read_algorithm,
     .schema = "{\"type\":\"string\",\"enum\":[\"HS256\",\"RS256\",\"ES256\",\"EdDSA\"]}",
     .doc = "The only one that its tokens may be signed with."},
    {.name = "public_key",
     .type = F_CUSTOM,
     .offset = offsetof(struct token_key_in, public_key),
     .present = NOT_TRACKED,
     .read = read_pem,
     .schema = "{\"type\":\"string\",\"minLength\":1}",
     .doc = "For RS256 (2048 to 8192 bits), ES256 (P-256) and EdDSA (Ed25519): the public key in PEM."},
    {.name = "secret",
     .type = F_STRING,
     .offset = offsetof(struct token_key_in, secret),
     .present = NOT_TRACKED,
     .lo = 1,
     .hi = (JWT_SECRET_BYTES_MAX * 4 + 2) / 3,
     .doc = "For HS256: at least 32 bytes as base64url without padding; absent: one is made, and shown once."},
};
const struct shape token_key_shape = {.name = "NewTokenKey",
                                      .size = sizeof(struct token_key_in),
                                      .fields = token_key_fields,
                                      .n_fields = COUNT(token_key_fields),
                                      .doc = "A key that a tenant's back end signs member tokens with."};

static enum problem writer(struct service *s, struct request *r, const struct write_key *key, struct key_write *out) {
    struct tenant_row t;
    enum problem p = tenant_find(s, r->arena, r->params[0], &t, &r->faults);
    if (p == P_OK) *out = (struct key_write){.tenant = t.id, .actor = r->who.key_id, .key = key, .now_ms = r->now_ms};
    return p;
}

void token_key_post(struct service *s, struct request *r, struct response *out) {
    struct write_key key = request_write_key(s, r);
    struct write_answer answer = {0};
    struct key_write w;
    enum problem p = writer(s, r, &key, &w);
    if (p == P_OK) p = token_key_create(s, r->arena, &w, r->shaped, &answer, &r->faults);
    answer_write(r, p, &answer, out);
}

void token_key_delete(struct service *s, struct request *r, struct response *out) {
    struct write_answer answer = {0};
    struct key_write w;
    enum problem p = writer(s, r, optional_key(s, r), &w);
    if (p == P_OK) p = token_key_end(s, r->arena, &w, r->params[1], &answer, &r->faults);
    answer_write(r, p, &answer, out);
}

void token_keys_list(struct service *s, struct request *r, struct response *out) {
    struct key_write of;
    struct str cursor = {0};
    size_t limit;
    enum problem p = query_page(r, &limit, &cursor);
    if (p == P_OK) p = writer(s, r, NULL, &of);
    if (p == P_OK) p = token_keys_read(s, r->arena, of.tenant, cursor, limit, &out->body, &r->faults);
    answer_with(r, p, 200, out);
}
