#include "base/crypto/encodings.h"

/* What is given out as text: API keys and transaction ids. */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

static bool is_base62(struct str s, size_t n) {
    if (s.n != n) return false;
    for (size_t i = 0; i < n; i++)
        if (!is_digit(s.p[i]) && !is_lower(s.p[i]) && !(s.p[i] >= 'A' && s.p[i] <= 'Z')) return false;
    return true;
}

bool key_id_is_valid(struct str s) { return is_base62(s, API_KEY_ID_CHARS); }

static bool is_env(struct str s) {
    if (s.n < 1 || s.n > 16) return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_digit(s.p[i]) && !is_lower(s.p[i])) return false;
    return true;
}

bool api_token_parse(struct str text, struct api_token *out) {
    struct str rest = text, prefix = str_cut(&rest, '_');
    struct api_token t = {.env = str_cut(&rest, '_'), .key_id = str_cut(&rest, '_'), .secret = rest};
    if (!str_is(prefix, "acc") || !is_env(t.env) || !key_id_is_valid(t.key_id) || !is_base62(t.secret, API_SECRET_CHARS)) return false;
    *out = t;
    return true;
}

struct str api_token_text(struct arena *a, struct str env, struct str key_id, struct str secret) {
    MUST(is_env(env) && key_id_is_valid(key_id) && is_base62(secret, API_SECRET_CHARS));
    return str_printf(a, "acc_" STR_FMT "_" STR_FMT "_" STR_FMT, STR_ARG(env), STR_ARG(key_id), STR_ARG(secret));
}

enum { TRANSACTION_ID_BYTES = 2 + 1 + 8 };

struct str transaction_id_text(struct arena *a, uint16_t currency, enum part part, uint64_t seq) {
    MUST(currency > 0 && part > 0 && part < PART__MAX && seq > 0);
    struct buf b = buf_new(a, TRANSACTION_ID_BYTES);
    buf_u16(&b, currency);
    buf_u8(&b, (uint8_t)part);
    buf_u64(&b, seq);
    MUST(buf_ok(&b));
    return base64url_text(a, buf_str(&b));
}

bool transaction_id_parse(struct str text, uint16_t *currency, enum part *part, uint64_t *seq) {
    uint8_t bytes[TRANSACTION_ID_BYTES];
    if (!base64url_decode(text, bytes, sizeof bytes)) return false;
    struct reader r = reader_of((struct str){(const char *)bytes, sizeof bytes});
    uint16_t c = read_u16(&r);
    uint8_t p = read_u8(&r);
    uint64_t s = read_u64(&r);
    if (c == 0 || p == 0 || p >= PART__MAX || s == 0) return false;
    *currency = c;
    *part = (enum part)p;
    *seq = s;
    return true;
}
