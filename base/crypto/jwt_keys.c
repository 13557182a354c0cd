#include "base/crypto/jwt_keys.h"

#include <assert.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

enum { ES256_HALF = 32, EDDSA_BYTES = 64, PEM_BYTES_MAX = 8 * 1024, DER_BYTES_MAX = 4 * 1024 };

/* What the library has to say of a client's text is not kept for the next call. */
static bool forget_errors(bool ok) {
    ERR_clear_error();
    return ok;
}

/* ---- keys as they come ---- */

const char *jwt_key_of_secret(struct arena *a, struct str base64url, struct jwt_key *out) {
    static_assert(JWT_SECRET_BYTES_MIN == 32 && JWT_SECRET_BYTES_MAX == 256, "the texts below say it");
    struct str bytes;
    if (!base64url_parse(a, base64url, &bytes)) return "must be base64url without padding";
    if (bytes.n < JWT_SECRET_BYTES_MIN) return "must have at least 32 bytes, which are 43 characters of base64url";
    if (bytes.n > JWT_SECRET_BYTES_MAX) return "must have at most 256 bytes";
    *out = (struct jwt_key){JWT_HS256, bytes};
    return NULL;
}

static const char *key_fault(enum jwt_algorithm algorithm, EVP_PKEY *key) {
    static_assert(JWT_RSA_BITS_MIN == 2048 && JWT_RSA_BITS_MAX == 8192, "the text below says it");
    char curve[32];
    size_t n;
    switch (algorithm) {
    case JWT_RS256:
        if (!EVP_PKEY_is_a(key, "RSA")) return "is not an RSA key, which RS256 needs";
        if (EVP_PKEY_get_bits(key) < JWT_RSA_BITS_MIN || EVP_PKEY_get_bits(key) > JWT_RSA_BITS_MAX) return "must have 2048 to 8192 bits";
        return NULL;
    case JWT_ES256:
        if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, curve, sizeof curve, &n) != 1 ||
            strcmp(curve, SN_X9_62_prime256v1) != 0)
            return "is not a key on the curve P-256, which ES256 needs";
        return NULL;
    case JWT_EDDSA: return EVP_PKEY_is_a(key, "ED25519") ? NULL : "is not an Ed25519 key, which EdDSA needs";
    case JWT_HS256:
    case JWT__MAX: break;
    }
    NEVER("an algorithm without a public key");
}

/* Whether it is a key at all: a point that is not on its curve, a modulus that is even. */
static bool is_sound(EVP_PKEY *key) {
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    MUST(ctx);
    bool ok = EVP_PKEY_public_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static const char *take_key(struct arena *a, enum jwt_algorithm algorithm, EVP_PKEY *key, struct jwt_key *out) {
    unsigned char *der = NULL;
    const char *why = key_fault(algorithm, key);
    if (why != NULL) return why;
    int n = is_sound(key) ? i2d_PUBKEY(key, &der) : 0;
    if (n <= 0) return "is not a sound key";
    *out = (struct jwt_key){algorithm, {arena_copy(a, der, (size_t)n), (size_t)n}};
    OPENSSL_free(der);
    return NULL;
}

static bool contains(struct str text, const char *word) { return text.n > 0 && memmem(text.p, text.n, word, strlen(word)) != NULL; }

const char *jwt_key_of_pem(struct arena *a, enum jwt_algorithm algorithm, struct str pem, struct jwt_key *out) {
    if (algorithm == JWT_HS256) return "has no place with HS256, whose secret both sides know";
    if (contains(pem, "PRIVATE KEY")) return "is a private key: give the public one, and show this one to nobody";
    if (contains(pem, "CERTIFICATE")) return "is a certificate: give the public key in it";
    if (pem.n > PEM_BYTES_MAX || !contains(pem, "-----BEGIN PUBLIC KEY-----"))
        return "must be a public key in PEM, from -----BEGIN PUBLIC KEY-----";
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    MUST(bio);
    EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    const char *why = key != NULL ? take_key(a, algorithm, key, out) : "is not a public key in PEM";
    EVP_PKEY_free(key);
    forget_errors(true);
    return why;
}

/* ---- verifying ---- */

/* r ‖ s as the library wants it; false: not 64 bytes. */
static bool ecdsa_der(struct str raw, unsigned char **der, size_t *n) {
    if (raw.n != 2 * ES256_HALF) return false;
    const unsigned char *p = (const unsigned char *)raw.p;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(p, ES256_HALF, NULL), *s = BN_bin2bn(p + ES256_HALF, ES256_HALF, NULL);
    MUST(pair && r && s);
    int set = ECDSA_SIG_set0(pair, r, s); /* which owns them now */
    MUST(set == 1);
    int written = i2d_ECDSA_SIG(pair, der);
    ECDSA_SIG_free(pair);
    MUST(written > 0);
    *n = (size_t)written;
    return true;
}

static bool digest_verify(EVP_PKEY *key, const struct jwt *t, const unsigned char *signature, size_t n) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how = NULL; /* ctx owns it */
    MUST(ctx);
    bool ok = EVP_DigestVerifyInit(ctx, &how, t->algorithm == JWT_EDDSA ? NULL : EVP_sha256(), NULL, key) == 1 &&
              (t->algorithm != JWT_RS256 || EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PADDING) == 1) &&
              EVP_DigestVerify(ctx, signature, n, (const unsigned char *)t->input.p, t->input.n) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static bool verify_with(EVP_PKEY *key, const struct jwt *t) {
    const unsigned char *raw = (const unsigned char *)t->signature.p;
    unsigned char *der = NULL;
    size_t n = 0;
    switch (t->algorithm) {
    case JWT_RS256: return (int)t->signature.n == EVP_PKEY_get_size(key) && digest_verify(key, t, raw, t->signature.n);
    case JWT_EDDSA: return t->signature.n == EDDSA_BYTES && digest_verify(key, t, raw, t->signature.n);
    case JWT_ES256: break;
    case JWT_HS256:
    case JWT__MAX: NEVER("an algorithm without a public key");
    }
    bool ok = ecdsa_der(t->signature, &der, &n) && digest_verify(key, t, der, n);
    OPENSSL_free(der);
    return ok;
}

/* Reading a key takes six times as long as using it for RS256, so those used last are kept, found by the hash of their stored form. They
 * live as long as the process; a worker has one thread. */
enum { KEPT_KEYS = 64 };
static struct {
    EVP_PKEY *key;
    uint8_t hash[32];
} kept[KEPT_KEYS];

/* The stored form was made by jwt_key_of_pem; the key's kind is looked at again all the same, so that no damaged record verifies. */
static EVP_PKEY *key_of_der(const struct jwt_key *key) {
    const unsigned char *p = (const unsigned char *)key->material.p;
    uint8_t hash[32];
    if (key->material.n > DER_BYTES_MAX) return NULL;
    crypto_sha256(key->material, hash);
    size_t at = hash[0] % KEPT_KEYS;
    if (kept[at].key != NULL && memcmp(kept[at].hash, hash, sizeof hash) == 0) return kept[at].key;
    EVP_PKEY *parsed = d2i_PUBKEY(NULL, &p, (long)key->material.n);
    if (parsed == NULL) return NULL;
    EVP_PKEY_free(kept[at].key);
    kept[at].key = parsed;
    memcpy(kept[at].hash, hash, sizeof hash);
    return parsed;
}

bool jwt_public_verify(const struct jwt *t, const struct jwt_key *key) {
    EVP_PKEY *parsed = key_of_der(key);
    return forget_errors(parsed != NULL && key_fault(key->algorithm, parsed) == NULL && verify_with(parsed, t));
}
