/* Who has no key is told so after the same work as who has a wrong one: the same hashes, the same comparisons, in constant time (SEMANTICS
 * 32, THREATS). Times are too noisy to show it, so the work is counted: the linker puts the counters below in the place of base/crypto's
 * functions, and the rows that the test has in the place of sql/'s (the Makefile's --wrap). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/crypto/jwt.h"
#include "service/inside.h"
#include "service/keys.h"
#include "service/tokens.h"

#define KEY_ID  "0123456789abcdef"
#define SECRET  "0123456789012345678901234567890123456789"
#define OTHER   "abcdefghijabcdefghijabcdefghijabcdefghij"
#define SIGNING "a secret of at least thirty-two bytes, shared"

static const int64_t NOW_MS = 1795255200000;

static struct work { int hashes, macs, comparisons; } done;
static const struct front_row *keys;
static const struct token_front_row *token_keys;
static size_t n_keys, n_token_keys;

void __real_crypto_sha256(struct str data, uint8_t out[32]);
void __wrap_crypto_sha256(struct str data, uint8_t out[32]);
void __wrap_crypto_sha256(struct str data, uint8_t out[32]) {
    done.hashes++;
    __real_crypto_sha256(data, out);
}

void __real_crypto_hmac_any(struct str key, struct str data, uint8_t out[32]);
void __wrap_crypto_hmac_any(struct str key, struct str data, uint8_t out[32]);
void __wrap_crypto_hmac_any(struct str key, struct str data, uint8_t out[32]) {
    done.macs++;
    __real_crypto_hmac_any(key, data, out);
}

bool __real_crypto_equal(const void *a, const void *b, size_t n);
bool __wrap_crypto_equal(const void *a, const void *b, size_t n);
bool __wrap_crypto_equal(const void *a, const void *b, size_t n) {
    done.comparisons++;
    return __real_crypto_equal(a, b, n);
}

enum db_result __wrap_front_read(struct db *db, struct arena *a, const struct str *ids, size_t n, struct front_row **out, size_t *n_out);
enum db_result __wrap_front_read(struct db *db, struct arena *a, const struct str *ids, size_t n, struct front_row **out, size_t *n_out) {
    (void)db, (void)ids, (void)n;
    *out = NEW_ARRAY(a, struct front_row, 1);
    if (n_keys > 0) (*out)[0] = keys[0];
    *n_out = n_keys;
    return DB_OK;
}

enum db_result __wrap_token_front_read(struct db *db, struct arena *a, const struct str *kids, size_t n, struct token_front_row **out,
                                       size_t *n_out);
enum db_result __wrap_token_front_read(struct db *db, struct arena *a, const struct str *kids, size_t n, struct token_front_row **out,
                                       size_t *n_out) {
    (void)db, (void)kids, (void)n;
    *out = NEW_ARRAY(a, struct token_front_row, 1);
    if (n_token_keys > 0) (*out)[0] = token_keys[0];
    *n_out = n_token_keys;
    return DB_OK;
}

static int set_up(void **state) {
    struct arena *a = arena_new();
    struct service *s = NEW(a, struct service);
    s->arena = a;
    s->tenant_keys = NEW_ARRAY(a, struct tenant_keys_slot, TENANT_KEYS_SLOTS);
    s->key_slots = NEW_ARRAY(a, struct key_slot, KEY_SLOTS);
    n_keys = n_token_keys = 0;
    return *state = s, 0;
}

static int tear_down(void **state) {
    struct service *s = *state;
    for (size_t i = 0; i < KEY_SLOTS; i++) {
        if (s->key_slots[i].arena != NULL) arena_free(&s->key_slots[i].arena);
    }
    struct arena *a = s->arena;
    return arena_free(&a), 0;
}

/* What it takes to answer this bearer, of a request that reads its key anew. */
static struct work work_of(struct service *s, struct str bearer, enum problem expected) {
    struct credential who = {0};
    enum problem p;
    done = (struct work){0};
    keys_authenticate(s, s->arena, &bearer, 1, 0, NOW_MS, &who, &p);
    assert_int_equal(p, expected);
    return done;
}

static void assert_same_work(struct work a, struct work b) { assert_memory_equal(&a, &b, sizeof a); }

static struct str bearer_of(struct arena *a, const char *secret) { return api_token_text(a, STR("test"), STR(KEY_ID), str_of(secret)); }

static void a_key_that_is_unknown_costs_what_a_wrong_one_does(void **state) {
    struct service *s = *state;
    struct front_row row = {.key = {.key_id = STR(KEY_ID), .tenant = {1}, .env = STR("test"), .scopes = SCOPES_TENANT}};
    __real_crypto_sha256(STR(SECRET), row.key.secret_hash);
    row.tenant = (struct tenant_row){.id = {1}, .code = STR("acme"), .status = TENANT_ACTIVE};
    struct work unknown = work_of(s, bearer_of(s->arena, SECRET), P_UNAUTHENTICATED);
    assert_true(unknown.hashes >= 1 && unknown.comparisons == 2 * unknown.hashes); /* with the present secret and a former one */
    keys = &row;
    n_keys = 1;
    assert_same_work(work_of(s, bearer_of(s->arena, SECRET), P_OK), unknown);
    assert_same_work(work_of(s, bearer_of(s->arena, OTHER), P_UNAUTHENTICATED), unknown);
    row.key.revoked_at = NOW_MS - 1;
    assert_same_work(work_of(s, bearer_of(s->arena, SECRET), P_UNAUTHENTICATED), unknown);
    row.key.revoked_at = 0;
    row.key.expires_at = NOW_MS;
    assert_same_work(work_of(s, bearer_of(s->arena, SECRET), P_UNAUTHENTICATED), unknown);
    row.key.expires_at = 0;
    row.key.env = STR("live");
    assert_same_work(work_of(s, bearer_of(s->arena, SECRET), P_UNAUTHENTICATED), unknown);
}

/* {"alg":"HS256","kid":"0123456789abcdef"} . {"sub":"anna"}, signed with zeros. */
#define TOKEN "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxMjM0NTY3ODlhYmNkZWYifQ.eyJzdWIiOiJhbm5hIn0.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void a_token_of_an_unknown_key_costs_what_a_forged_one_does(void **state) {
    struct service *s = *state;
    const struct tenant_keys *of = service_tenant_keys(s, (tenant_id){1});
    struct token_front_row row = {.key = {.kid = STR(KEY_ID), .tenant = {1}, .algorithm = JWT_HS256}};
    struct str associated = token_key_associated(s->arena, row.key.tenant, row.key.algorithm, row.key.kid);
    row.key.material = crypto_seal(s->arena, of->tokens.b, associated, STR(SIGNING));
    row.tenant = (struct tenant_row){.id = {1}, .code = STR("acme"), .status = TENANT_ACTIVE};
    struct work unknown = work_of(s, STR(TOKEN), P_UNAUTHENTICATED);
    assert_true(unknown.macs == 1 && unknown.comparisons == 1);
    token_keys = &row;
    n_token_keys = 1;
    assert_same_work(work_of(s, STR(TOKEN), P_UNAUTHENTICATED), unknown);
    row.key.revoked_at = NOW_MS - 1;
    assert_same_work(work_of(s, STR(TOKEN), P_UNAUTHENTICATED), unknown);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_that_is_unknown_costs_what_a_wrong_one_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_of_an_unknown_key_costs_what_a_forged_one_does, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
