#include "base/cursor.h"

#include <string.h>

#include "base/crypto/crypto.h"

enum { CHECK_BYTES = 4, CURSOR_BYTES_MAX = 4096 };

static void check_of(struct str payload, uint8_t out[CHECK_BYTES]) {
    uint8_t hash[32];
    crypto_sha256(payload, hash);
    memcpy(out, hash, CHECK_BYTES);
}

struct str cursor_text(struct arena *a, struct str payload) {
    uint8_t check[CHECK_BYTES];
    check_of(payload, check);
    struct buf b = buf_new(a, CURSOR_BYTES_MAX);
    buf_bytes(&b, check, CHECK_BYTES);
    buf_add(&b, payload);
    MUST(buf_ok(&b));
    return base64url_text(a, buf_str(&b));
}

bool cursor_parse(struct arena *a, struct str text, struct str *payload) {
    struct str bytes;
    if (text.n > CURSOR_BYTES_MAX * 2 || !base64url_parse(a, text, &bytes) || bytes.n < CHECK_BYTES) return false;
    *payload = (struct str){bytes.p + CHECK_BYTES, bytes.n - CHECK_BYTES};
    uint8_t check[CHECK_BYTES];
    check_of(*payload, check);
    return crypto_equal(check, bytes.p, CHECK_BYTES);
}
