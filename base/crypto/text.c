#include "base/crypto/crypto.h"

static const char HEX[] = "0123456789abcdef";
static const char BASE64URL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char BASE62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

struct str hex_text(struct arena *a, struct str bytes) {
    char *out = arena_array(a, bytes.n, 2);
    for (size_t i = 0; i < bytes.n; i++) {
        uint8_t byte = (uint8_t)bytes.p[i];
        out[2 * i] = HEX[byte >> 4];
        out[2 * i + 1] = HEX[byte & 15];
    }
    return (struct str){out, 2 * bytes.n};
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool hex_parse(struct arena *a, struct str text, struct str *bytes) {
    if (text.n % 2) return false;
    char *out = arena_alloc(a, text.n / 2);
    for (size_t i = 0; i < text.n / 2; i++) {
        int high = hex_digit(text.p[2 * i]), low = hex_digit(text.p[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = (char)(high << 4 | low);
    }
    *bytes = (struct str){out, text.n / 2};
    return true;
}

struct str base64url_text(struct arena *a, struct str bytes) {
    size_t full = bytes.n / 3, left = bytes.n % 3;
    char *out = arena_alloc(a, full * 4 + 4), *to = out;
    const uint8_t *p = (const uint8_t *)bytes.p;
    for (size_t i = 0; i < full; i++, p += 3) {
        uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        for (int shift = 18; shift >= 0; shift -= 6) *to++ = BASE64URL[v >> shift & 63];
    }
    if (left) {
        uint32_t v = (uint32_t)p[0] << 16 | (left == 2 ? (uint32_t)p[1] << 8 : 0);
        *to++ = BASE64URL[v >> 18];
        *to++ = BASE64URL[v >> 12 & 63];
        if (left == 2) *to++ = BASE64URL[v >> 6 & 63];
    }
    return (struct str){out, (size_t)(to - out)};
}

static int base64url_digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '-') return 62;
    return c == '_' ? 63 : -1;
}

bool base64url_decode(struct str text, void *out, size_t n) {
    if (text.n % 4 == 1 || text.n / 4 * 3 + (text.n % 4 ? text.n % 4 - 1 : 0) != n) return false;
    uint8_t *to = out;
    uint32_t bits = 0, held = 0; /* held: how many of the low bits are still to be written */
    for (size_t i = 0; i < text.n; i++) {
        int digit = base64url_digit(text.p[i]);
        if (digit < 0) return false;
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            *to++ = (uint8_t)(bits >> held);
            bits &= (1U << held) - 1;
        }
    }
    return bits == 0; /* what is left over is 0, so that the same bytes have one text only */
}

bool base64url_parse(struct arena *a, struct str text, struct str *bytes) {
    size_t n = text.n / 4 * 3 + (text.n % 4 ? text.n % 4 - 1 : 0);
    char *out = arena_alloc(a, n);
    if (!base64url_decode(text, out, n)) return false;
    *bytes = (struct str){out, n};
    return true;
}

void base62_random(char *out, size_t n) {
    uint8_t bytes[64];
    size_t at = sizeof bytes;
    for (size_t i = 0; i < n;) {
        if (at == sizeof bytes) {
            crypto_random(bytes, sizeof bytes);
            at = 0;
        }
        uint8_t byte = bytes[at++];
        if (byte < 62 * 4) out[i++] = BASE62[byte % 62]; /* the rest would make the first characters likelier */
    }
    crypto_wipe(bytes, sizeof bytes);
}
