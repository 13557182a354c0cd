/* Member tokens against tests/golden/jwt, which an independent script made: the RFCs' own examples, and every way to be false (M2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/crypto/jwt.h"
#include "tests/unit/golden.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

static const char *key_of(struct arena *a, const struct json *row, struct jwt_key *out) {
    enum jwt_algorithm algorithm = 0;
    assert_true(jwt_algorithm_of(golden_text(row, "algorithm"), &algorithm));
    struct str text = golden_text(row, "text");
    return algorithm == JWT_HS256 ? jwt_key_of_secret(a, text, out) : jwt_key_of_pem(a, algorithm, text, out);
}

static void test_keys(void **state) {
    struct arena *a = *state;
    const struct json *rows = golden_read(a, "tests/golden/jwt/keys.json");
    size_t good = 0;
    for (uint32_t i = 0; i < rows->n; i++) {
        struct jwt_key key = {0};
        const char *why = key_of(a, &rows->items[i], &key), *name = str_z(a, golden_text(&rows->items[i], "name"));
        struct str expected = golden_text(&rows->items[i], "fault");
        if (!str_is(expected, why != NULL ? why : "")) fail_msg("%s: %s", name, why != NULL ? why : "taken");
        assert_true((why == NULL) == (key.material.n > 0));
        good += why == NULL;
    }
    assert_int_equal(good, 9);
}

/* HS256 has no public key, whatever is said to be one. */
static void test_no_pem_for_hs256(void **state) {
    struct jwt_key key;
    assert_string_equal(jwt_key_of_pem(*state, JWT_HS256, STR("-----BEGIN PUBLIC KEY-----"), &key),
                        "has no place with HS256, whose secret both sides know");
}

static const struct json *row_named(const struct json *rows, struct str name) {
    for (uint32_t i = 0; i < rows->n; i++) {
        if (str_eq(golden_text(&rows->items[i], "name"), name)) return &rows->items[i];
    }
    fail_msg("no key %.*s", STR_ARG(name));
    return NULL;
}

/* "form", "signature", what is wrong with the claims, or "" for a good token. */
static const char *judge(struct arena *a, const struct json *row, const struct jwt_key *key, struct jwt_claims *claims) {
    struct jwt token;
    if (!jwt_read(a, golden_text(row, "token"), &token)) return "form";
    if (!jwt_verify(&token, key)) return "signature";
    const char *why = jwt_claims_read(a, &token, STR("acme"), golden_int(row, "now_ms"), claims);
    return why != NULL ? why : "";
}

static void test_tokens(void **state) {
    struct arena *a = *state;
    const struct json *keys = golden_read(a, "tests/golden/jwt/keys.json"), *rows = golden_read(a, "tests/golden/jwt/tokens.json");
    size_t wrong = 0;
    assert_true(rows->n > 240);
    for (uint32_t i = 0; i < rows->n; i++) {
        const struct json *row = &rows->items[i];
        struct jwt_key key;
        struct jwt_claims claims;
        assert_null(key_of(a, row_named(keys, golden_text(row, "key")), &key));
        const char *got = judge(a, row, &key, &claims);
        if (str_is(golden_text(row, "comes_to"), got)) continue;
        print_error("%s: \"%s\", not \"%s\"\n", str_z(a, golden_text(row, "name")), got, str_z(a, golden_text(row, "comes_to")));
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static const struct json *good_case(struct arena *a, const char *name) {
    return row_named(golden_read(a, "tests/golden/jwt/tokens.json"), str_of(name));
}

static void test_what_a_good_token_says(void **state) {
    struct arena *a = *state;
    const struct json *row = good_case(a, "HS256: good");
    struct jwt token;
    struct jwt_claims claims;
    assert_true(jwt_looks_like(golden_text(row, "token")));
    assert_true(jwt_read(a, golden_text(row, "token"), &token));
    assert_int_equal(token.algorithm, JWT_HS256);
    assert_string_equal(str_z(a, token.kid), "kid0000000000001");
    assert_int_equal(token.signature.n, 32);
    assert_null(jwt_claims_read(a, &token, STR("acme"), golden_int(row, "now_ms"), &claims));
    assert_string_equal(str_z(a, claims.sub), "agent-17");
    assert_true(claims.issued_ms == INT64_C(1899999900000) && claims.expires_ms == INT64_C(1900000500000));
    assert_non_null(jwt_claims_read(a, &token, STR("other"), golden_int(row, "now_ms"), &claims));
}

static void test_an_api_key_does_not_look_like_a_token(void **state) {
    (void)state;
    assert_false(jwt_looks_like(STR("acc_live_AAAAAAAAAAAAAAAA_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB")));
    assert_false(jwt_looks_like(STR("")));
    assert_false(jwt_looks_like(STR("a.b")));
    assert_true(jwt_looks_like(STR("..")));
    assert_false(jwt_looks_like(STR("a.b.c.d")));
}

/* Any one bit of a token changed, and it is false: for each algorithm. */
static void test_every_bit_counts(void **state) {
    struct arena *a = *state;
    const struct json *keys = golden_read(a, "tests/golden/jwt/keys.json");
    static const char *const names[] = {"HS256: good", "RS256: good", "ES256: good", "EdDSA: good"};
    for (size_t k = 0; k < COUNT(names); k++) {
        const struct json *row = good_case(a, names[k]);
        struct str good = golden_text(row, "token");
        struct jwt_key key;
        assert_null(key_of(a, row_named(keys, golden_text(row, "key")), &key));
        for (size_t bit = 0; bit < 8 * good.n; bit += 3) {
            char *text = arena_copy(a, good.p, good.n);
            struct jwt token;
            text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
            if (jwt_read(a, (struct str){text, good.n}, &token)) assert_false(jwt_verify(&token, &key));
        }
    }
}

/* A record that was damaged, or whose algorithm was changed in the database, verifies nothing. */
static void test_a_damaged_key_verifies_nothing(void **state) {
    struct arena *a = *state;
    const struct json *keys = golden_read(a, "tests/golden/jwt/keys.json");
    struct jwt token;
    struct jwt_key rsa, key;
    assert_null(key_of(a, row_named(keys, STR("rsa")), &rsa));
    assert_true(jwt_read(a, golden_text(good_case(a, "RS256: good"), "token"), &token));
    assert_true(jwt_verify(&token, &rsa));
    for (size_t n = 0; n < rsa.material.n; n += 7) {
        key = (struct jwt_key){JWT_RS256, {rsa.material.p, n}};
        assert_false(jwt_verify(&token, &key));
    }
    token.algorithm = JWT_ES256; /* as if record and header both said so */
    key = (struct jwt_key){JWT_ES256, rsa.material};
    assert_false(jwt_verify(&token, &key));
    token.algorithm = JWT_HS256;
    key = (struct jwt_key){JWT_HS256, {rsa.material.p, JWT_SECRET_BYTES_MIN - 1}};
    assert_false(jwt_verify(&token, &key));
}

/* More keys than are kept, by turns: each goes on to verify its own tokens and no other's. */
static void test_many_keys_by_turns(void **state) {
    struct arena *a = *state;
    const struct json *keys = golden_read(a, "tests/golden/jwt/keys.json");
    struct jwt token;
    struct jwt_key own, other;
    assert_null(key_of(a, row_named(keys, STR("ec")), &own));
    assert_null(key_of(a, row_named(keys, STR("ec-other")), &other));
    assert_true(jwt_read(a, golden_text(good_case(a, "ES256: good"), "token"), &token));
    for (int turn = 0; turn < 3; turn++) {
        assert_true(jwt_verify(&token, &own));
        assert_false(jwt_verify(&token, &other));
        for (uint8_t i = 0; i < 200; i++) { /* other records, most of them not even keys */
            char *material = arena_copy(a, other.material.p, other.material.n);
            material[other.material.n - 1] = (char)i;
            struct jwt_key damaged = {JWT_ES256, {material, other.material.n}};
            assert_false(jwt_verify(&token, &damaged));
        }
    }
}

static void test_names(void **state) {
    (void)state;
    enum jwt_algorithm found;
    assert_string_equal(jwt_algorithm_name(JWT_EDDSA), "EdDSA");
    assert_null(jwt_algorithm_name(0));
    assert_null(jwt_algorithm_name(JWT__MAX));
    assert_true(jwt_algorithm_of(STR("ES256"), &found) && found == JWT_ES256);
    assert_false(jwt_algorithm_of(STR("none"), &found));
    assert_false(jwt_algorithm_of(STR(""), &found));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_pem_for_hs256, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tokens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_a_good_token_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_api_key_does_not_look_like_a_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_bit_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_damaged_key_verifies_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_keys_by_turns, set_up, tear_down),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
