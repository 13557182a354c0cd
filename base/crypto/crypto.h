/* base/crypto/crypto.h: what Accolade needs of OpenSSL, and nothing else. openssl/ headers are named in this folder only. */
#ifndef BASE_CRYPTO_CRYPTO_H
#define BASE_CRYPTO_CRYPTO_H

#include "base/str.h"

enum { KEY_BYTES = 32, HASH16_BYTES = 16, SEAL_KEY_BYTES = 16, SEAL_OVERHEAD = 12 + 16 };

struct key32 {
    uint8_t b[KEY_BYTES];
};
struct hash16 {
    uint8_t b[HASH16_BYTES];
};

void crypto_random(void *out, size_t n);
void crypto_sha256(struct str data, uint8_t out[32]);
void crypto_hmac(const struct key32 *key, struct str data, uint8_t out[32]);                         /* HMAC-SHA256 */
void crypto_hmac_parts(const struct key32 *key, const struct str *parts, size_t n, uint8_t out[32]); /* of the parts as one text */
void crypto_hmac_any(struct str key, struct str data, uint8_t out[32]);                              /* with a key of any length */
struct hash16 crypto_hmac16(const struct key32 *key, struct str data);                               /* its first 16 bytes */
/* HKDF-SHA256 (RFC 5869), 32 bytes of output. */
struct key32 crypto_hkdf(const struct key32 *secret, struct str salt, struct str info);
bool crypto_equal(const void *a, const void *b, size_t n); /* in constant time */
void crypto_wipe(void *p, size_t n);

/* Sealing (ENCODINGS): nonce ‖ ciphertext ‖ tag, AES-128-GCM. Opening fails where anything was changed. */
struct str crypto_seal(struct arena *a, const uint8_t key[SEAL_KEY_BYTES], struct str associated, struct str clear);
MUST_CHECK bool crypto_open(struct arena *a, const uint8_t key[SEAL_KEY_BYTES], struct str associated, struct str sealed,
                            struct str *clear);

/* Text forms. Hexadecimal is written in lower case and read in either. */
struct str hex_text(struct arena *a, struct str bytes);
MUST_CHECK bool hex_parse(struct arena *a, struct str text, struct str *bytes);
struct str base64url_text(struct arena *a, struct str bytes);                         /* without padding */
MUST_CHECK bool base64url_parse(struct arena *a, struct str text, struct str *bytes); /* strict */
MUST_CHECK bool base64url_decode(struct str text, void *out, size_t n); /* the same; false where it is not the text of n bytes */
void base62_random(char *out, size_t n);                                /* n characters, not terminated */

#endif
