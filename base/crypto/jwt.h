/* base/crypto/jwt.h: member tokens: JWTs (RFC 7519) as compact JWS (RFC 7515), signed by a tenant's own back end.
 *
 * The algorithm is the key's, never the token's: a token whose header says another is false. Nothing that a token names is
 * ever fetched. Whoever verifies gives the key and the time; nothing here is kept between two calls. */
#ifndef BASE_CRYPTO_JWT_H
#define BASE_CRYPTO_JWT_H

#include "base/crypto/crypto.h"

enum jwt_algorithm { JWT_HS256 = 1, JWT_RS256, JWT_ES256, JWT_EDDSA, JWT__MAX }; /* numbers are stored */
const char *jwt_algorithm_name(enum jwt_algorithm a);
MUST_CHECK bool jwt_algorithm_of(struct str name, enum jwt_algorithm *out);

/* ---- keys ---- */

enum { JWT_SECRET_BYTES_MIN = 32, JWT_SECRET_BYTES_MAX = 256, JWT_RSA_BITS_MIN = 2048, JWT_RSA_BITS_MAX = 8192 };
struct jwt_key {
    enum jwt_algorithm algorithm;
    struct str material; /* HS256: the secret's bytes; else the public key as DER, SubjectPublicKeyInfo (RFC 5280) */
};
/* Each gives NULL and fills *out, or what is wrong with the text, for people. */
const char *jwt_key_of_secret(struct arena *a, struct str base64url, struct jwt_key *out);
const char *jwt_key_of_pem(struct arena *a, enum jwt_algorithm algorithm, struct str pem, struct jwt_key *out);

/* ---- tokens ---- */

struct jwt { /* taken apart; nothing of it is to be believed before jwt_verify */
    enum jwt_algorithm algorithm;
    struct str kid;     /* "" none */
    struct str input;   /* what is signed: header and payload as they were sent, with the dot between */
    struct str payload; /* decoded, not looked at */
    struct str signature;
};
bool jwt_looks_like(struct str text); /* two dots: an API key has none */
/* false: no JWS in compact form, or one whose header is not one of ours: not strict base64url or JSON, no algorithm of ours, another
 * `typ`, or `crit`, `jku`, `jwk`, `x5u`, `x5c`. */
MUST_CHECK bool jwt_read(struct arena *a, struct str text, struct jwt *out);
MUST_CHECK bool jwt_verify(const struct jwt *t, const struct jwt_key *key);

struct jwt_claims {
    struct str sub; /* a public id */
    int64_t issued_ms, expires_ms;
};
/* Only after jwt_verify: gives NULL and fills *out where the claims hold now for this audience, else what is wrong, for people. */
const char *jwt_claims_read(struct arena *a, const struct jwt *t, struct str audience, int64_t now_ms, struct jwt_claims *out);

#endif
