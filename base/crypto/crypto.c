#include "base/crypto/crypto.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/mman.h>

enum { NONCE_BYTES = 12, TAG_BYTES = 16 };
static_assert(SEAL_OVERHEAD == NONCE_BYTES + TAG_BYTES, "a sealed text is nonce, ciphertext, tag");

/* The library's objects, fetched once for each process: a fetch costs more than the hash of a ledger entry. A worker has one
 * thread, so that one context of each kind is enough. */
static struct {
    EVP_MAC_CTX *hmac;
    struct key32 hmac_key; /* the one that it was last given, where `keyed` */
    bool keyed;
    EVP_MD *sha256;
    EVP_MD_CTX *digest;
    EVP_KDF *hkdf;
    EVP_CIPHER *gcm;
    EVP_CIPHER_CTX *cipher;
} library;

/* A failure of the library below can only be a broken installation or no memory: there is no half-way to answer. */
static void library_open(void) {
    if (library.hmac) return;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0), OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    MUST(mac);
    EVP_MAC_CTX *hmac = EVP_MAC_CTX_new(mac);
    MUST(hmac);
    EVP_MAC_free(mac);
    int set = EVP_MAC_CTX_set_params(hmac, params);
    MUST(set == 1);
    library.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    library.digest = EVP_MD_CTX_new();
    library.hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    library.gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    library.cipher = EVP_CIPHER_CTX_new();
    MUST(library.sha256 && library.digest && library.hkdf && library.gcm && library.cipher);
    library.hmac = hmac;
}

static void random_bytes(void *out, size_t n) {
    MUST(n <= INT32_MAX);
    int ok = RAND_bytes(out, (int)n);
    MUST(ok == 1);
}

/* Small pieces come from a stock, since the library takes as long for 12 bytes as for some hundred. Each byte is given once and wiped. The
 * page is empty in a child of fork, which then has a stock of its own. */
static struct stock {
    size_t left;
    uint8_t bytes[1024];
} * stock;

void crypto_random(void *out, size_t n) {
    if (!stock) {
        stock = mmap(NULL, sizeof *stock, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        MUST(stock != MAP_FAILED);
        int failed = madvise(stock, sizeof *stock, MADV_WIPEONFORK);
        MUST(!failed);
    }
    if (n > sizeof stock->bytes / 8) {
        random_bytes(out, n);
        return;
    }
    if (stock->left < n) {
        random_bytes(stock->bytes, sizeof stock->bytes);
        stock->left = sizeof stock->bytes;
    }
    stock->left -= n;
    memcpy(out, stock->bytes + stock->left, n);
    OPENSSL_cleanse(stock->bytes + stock->left, n);
}

void crypto_sha256(struct str data, uint8_t out[32]) {
    library_open();
    bool ok = EVP_DigestInit_ex(library.digest, library.sha256, NULL) == 1 && EVP_DigestUpdate(library.digest, data.p, data.n) == 1 &&
              EVP_DigestFinal_ex(library.digest, out, NULL) == 1;
    MUST(ok);
}

static void hmac(struct str key, bool keep, const struct str *parts, size_t n, uint8_t out[32]) {
    MUST(key.n > 0); /* without one the library would take the last */
    library_open();
    /* A set's hashes are mostly made with one tenant's key: the library keeps what it made of the last one. Not
     * of tokens' secrets: what they take must not tell what was checked before. */
    bool same = keep && library.keyed && memcmp(key.p, library.hmac_key.b, sizeof library.hmac_key.b) == 0;
    bool ok = EVP_MAC_init(library.hmac, same ? NULL : (const uint8_t *)key.p, same ? 0 : key.n, NULL) == 1;
    library.keyed = ok && keep;
    if (library.keyed && !same) memcpy(library.hmac_key.b, key.p, sizeof library.hmac_key.b);
    for (size_t i = 0; i < n; i++) ok = ok && EVP_MAC_update(library.hmac, (const uint8_t *)parts[i].p, parts[i].n) == 1;
    size_t written = 0;
    ok = ok && EVP_MAC_final(library.hmac, out, &written, 32) == 1;
    MUST(ok && written == 32);
}

void crypto_hmac_parts(const struct key32 *key, const struct str *parts, size_t n, uint8_t out[32]) {
    hmac((struct str){(const char *)key->b, sizeof key->b}, true, parts, n, out);
}

void crypto_hmac(const struct key32 *key, struct str data, uint8_t out[32]) { crypto_hmac_parts(key, &data, 1, out); }

void crypto_hmac_any(struct str key, struct str data, uint8_t out[32]) { hmac(key, false, &data, 1, out); }

struct hash16 crypto_hmac16(const struct key32 *key, struct str data) {
    uint8_t whole[32];
    struct hash16 h;
    crypto_hmac(key, data, whole);
    memcpy(h.b, whole, sizeof h.b);
    return h;
}

/* The library takes octets as non-const pointers; it does not change them. */
static OSSL_PARAM octets(const char *name, const void *p, size_t n) {
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)p, n);
}

struct key32 crypto_hkdf(const struct key32 *secret, struct str salt, struct str info) {
    library_open();
    struct key32 out;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        octets(OSSL_KDF_PARAM_KEY, secret->b, sizeof secret->b),
        octets(OSSL_KDF_PARAM_SALT, salt.n ? salt.p : "", salt.n),
        octets(OSSL_KDF_PARAM_INFO, info.n ? info.p : "", info.n),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF_CTX *kdf = EVP_KDF_CTX_new(library.hkdf);
    MUST(kdf);
    int ok = EVP_KDF_derive(kdf, out.b, sizeof out.b, params);
    MUST(ok == 1);
    EVP_KDF_CTX_free(kdf);
    return out;
}

bool crypto_equal(const void *a, const void *b, size_t n) { return CRYPTO_memcmp(a, b, n) == 0; }

void crypto_wipe(void *p, size_t n) { OPENSSL_cleanse(p, n); }

/* One pass of the cipher, less its end: associated data, then the text. n bytes from `from` to `to`. */
static bool cipher_run(const uint8_t *key, const uint8_t *nonce, struct str associated, const uint8_t *from, size_t n, uint8_t *to,
                       bool seal) {
    library_open();
    MUST(n <= INT32_MAX && associated.n <= INT32_MAX);
    int written = 0;
    return EVP_CipherInit_ex2(library.cipher, library.gcm, key, nonce, seal, NULL) == 1 &&
           (associated.n == 0 || EVP_CipherUpdate(library.cipher, NULL, &written, (const uint8_t *)associated.p, (int)associated.n) == 1) &&
           (n == 0 || EVP_CipherUpdate(library.cipher, to, &written, from, (int)n) == 1);
}

struct str crypto_seal(struct arena *a, const uint8_t key[SEAL_KEY_BYTES], struct str associated, struct str clear) {
    uint8_t *out = arena_alloc(a, clear.n + SEAL_OVERHEAD), *text = out + NONCE_BYTES, *tag = text + clear.n;
    int rest = 0;
    crypto_random(out, NONCE_BYTES);
    bool ok = cipher_run(key, out, associated, (const uint8_t *)clear.p, clear.n, text, true) &&
              EVP_CipherFinal_ex(library.cipher, tag, &rest) == 1 &&
              EVP_CIPHER_CTX_ctrl(library.cipher, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) == 1;
    EVP_CIPHER_CTX_reset(library.cipher); /* no key stays behind */
    MUST(ok && rest == 0);
    return (struct str){(const char *)out, clear.n + SEAL_OVERHEAD};
}

bool crypto_open(struct arena *a, const uint8_t key[SEAL_KEY_BYTES], struct str associated, struct str sealed, struct str *clear) {
    if (sealed.n < SEAL_OVERHEAD) return false;
    const uint8_t *nonce = (const uint8_t *)sealed.p, *text = nonce + NONCE_BYTES;
    size_t n = sealed.n - SEAL_OVERHEAD;
    uint8_t tag[TAG_BYTES], none[1], *out = arena_alloc(a, n);
    int rest = 0;
    memcpy(tag, text + n, TAG_BYTES);
    bool ran = cipher_run(key, nonce, associated, text, n, out, false) &&
               EVP_CIPHER_CTX_ctrl(library.cipher, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1;
    bool genuine = ran && EVP_CipherFinal_ex(library.cipher, none, &rest) == 1;
    EVP_CIPHER_CTX_reset(library.cipher);
    MUST(ran);
    if (!genuine) {
        crypto_wipe(out, n);
        return false;
    }
    *clear = (struct str){(const char *)out, n};
    return true;
}
