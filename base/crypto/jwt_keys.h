/* base/crypto/jwt_keys.h: public keys of tokens, on OpenSSL's EVP: for base/crypto/jwt.c alone. */
#ifndef BASE_CRYPTO_JWT_KEYS_H
#define BASE_CRYPTO_JWT_KEYS_H

#include "base/crypto/jwt.h"

/* RS256, ES256, EdDSA; the token's algorithm is the key's. */
MUST_CHECK bool jwt_public_verify(const struct jwt *t, const struct jwt_key *key);

#endif
