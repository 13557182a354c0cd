/* Any text as a member token. As it is, no key of ours may verify it. A text with a line end is a header and claims: signed with a secret
 * of ours, so that the claims are read too; and what is accepted keeps the rules (M2). */
#include <stdlib.h>

#include "base/crypto/jwt.h"
#include "base/ids.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const int64_t now_ms = INT64_C(1900000000000);
static const char secret[JWT_SECRET_BYTES_MIN + 1] = "a secret of the fuzzer, 32 bytes";
static const char *const public_keys[JWT__MAX] = {
    [JWT_RS256] = "-----BEGIN PUBLIC KEY-----\n"
                  "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj\n"
                  "NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz\n"
                  "P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo\n"
                  "9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB\n"
                  "EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX\n"
                  "FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp\n"
                  "oQIDAQAB\n-----END PUBLIC KEY-----\n",
    [JWT_ES256] = "-----BEGIN PUBLIC KEY-----\n"
                  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
                  "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n-----END PUBLIC KEY-----\n",
    [JWT_EDDSA] = "-----BEGIN PUBLIC KEY-----\n"
                  "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n",
};

static void check(bool holds) {
    if (!holds) abort();
}

static struct jwt_key key_of(struct arena *a, enum jwt_algorithm algorithm) {
    struct jwt_key key = {JWT_HS256, {secret, JWT_SECRET_BYTES_MIN}};
    if (algorithm != JWT_HS256) check(jwt_key_of_pem(a, algorithm, str_of(public_keys[algorithm]), &key) == NULL);
    return key;
}

static void check_claims(struct arena *a, const struct jwt *t) {
    struct jwt_claims claims;
    const char *why = jwt_claims_read(a, t, STR("acme"), now_ms, &claims);
    if (why != NULL) return;
    check(public_id_is_valid(claims.sub));
    check(claims.expires_ms > claims.issued_ms && claims.expires_ms - claims.issued_ms <= TOKEN_LIFE_MS_MAX);
    check(claims.issued_ms <= now_ms + TOKEN_SKEW_MS && claims.expires_ms > now_ms - TOKEN_SKEW_MS);
}

/* The seeds hold genuine tokens of these public keys, which the fuzzing engine cannot make others from; of our secret there is none. */
static void read_as_it_is(struct arena *a, struct str text) {
    struct jwt t;
    if (!jwt_read(a, text, &t)) return;
    check(text.n <= TOKEN_BYTES_MAX && jwt_looks_like(text) && t.signature.n > 0);
    for (enum jwt_algorithm algorithm = JWT_HS256; algorithm < JWT__MAX; algorithm++) {
        struct jwt_key key = key_of(a, algorithm);
        bool genuine = jwt_verify(&t, &key);
        check(!genuine || (algorithm == t.algorithm && algorithm != JWT_HS256));
    }
    check_claims(a, &t);
}

static void read_signed(struct arena *a, struct str header, struct str claims) {
    struct jwt t;
    uint8_t mac[32];
    struct str head = base64url_text(a, header), body = base64url_text(a, claims);
    struct str input = str_printf(a, STR_FMT "." STR_FMT, STR_ARG(head), STR_ARG(body));
    struct jwt_key key = key_of(a, JWT_HS256);
    crypto_hmac_any(key.material, input, mac);
    struct str signature = base64url_text(a, (struct str){(const char *)mac, sizeof mac});
    if (!jwt_read(a, str_printf(a, STR_FMT "." STR_FMT, STR_ARG(input), STR_ARG(signature)), &t)) return;
    check(jwt_verify(&t, &key) == (t.algorithm == JWT_HS256));
    check(str_eq(t.payload, claims));
    check_claims(a, &t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct arena *a = arena_new();
    struct str rest = {(const char *)data, n}, header;
    read_as_it_is(a, rest);
    header = str_cut(&rest, '\n');
    if (rest.p != NULL && n <= TOKEN_BYTES_MAX) read_signed(a, header, rest);
    struct jwt_key key;
    for (enum jwt_algorithm algorithm = JWT_HS256; algorithm < JWT__MAX; algorithm++) {
        if (jwt_key_of_pem(a, algorithm, (struct str){(const char *)data, n}, &key) == NULL) check(key.material.n > 0);
    }
    arena_free(&a);
    return 0;
}
