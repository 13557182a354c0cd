#include "base/crypto/jwt.h"

#include <assert.h>

#include "base/crypto/jwt_keys.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/limits.h"

static const char *const names[JWT__MAX] = {[JWT_HS256] = "HS256", [JWT_RS256] = "RS256", [JWT_ES256] = "ES256", [JWT_EDDSA] = "EdDSA"};

const char *jwt_algorithm_name(enum jwt_algorithm a) { return a < JWT__MAX ? names[a] : NULL; }

bool jwt_algorithm_of(struct str name, enum jwt_algorithm *out) {
    for (enum jwt_algorithm a = JWT_HS256; a < JWT__MAX; a++) {
        if (!str_is(name, names[a])) continue;
        *out = a;
        return true;
    }
    return false;
}

/* ---- the form, and the header ---- */

static size_t dots(struct str text) {
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) n += text.p[i] == '.';
    return n;
}

bool jwt_looks_like(struct str text) { return dots(text) == 2; }

/* An object of JSON; what is wrong with another text is nobody's business. */
static bool object_of(struct arena *a, struct str text, struct json *out) {
    struct faults unsaid = faults_new(a);
    return json_parse(a, text, out, &unsaid) == P_OK && out->type == JSON_OBJECT;
}

/* What a header may not have: `crit` names what has to be understood, and we understand nothing more; the others are keys that the
 * token brings along, or places to fetch them from. */
static bool has_forbidden(const struct json *header) {
    static const char *const forbidden[] = {"crit", "jku", "jwk", "x5u", "x5c"};
    for (size_t i = 0; i < COUNT(forbidden); i++) {
        if (json_get(header, forbidden[i]) != NULL) return true;
    }
    return false;
}

static bool text_of(const struct json *object, const char *key, struct str *out) {
    const struct json *v = json_get(object, key);
    *out = v != NULL && v->type == JSON_STRING ? v->string : STR("");
    return v == NULL || v->type == JSON_STRING;
}

static bool read_header(struct arena *a, struct str text, struct jwt *out) {
    struct json header;
    struct str alg, typ;
    if (!object_of(a, text, &header) || has_forbidden(&header)) return false;
    if (!text_of(&header, "alg", &alg) || !text_of(&header, "typ", &typ) || !text_of(&header, "kid", &out->kid)) return false;
    if (json_get(&header, "typ") != NULL && !str_is(typ, "JWT")) return false;
    return jwt_algorithm_of(alg, &out->algorithm);
}

bool jwt_read(struct arena *a, struct str text, struct jwt *out) {
    struct str rest = text, header = str_cut(&rest, '.'), payload = str_cut(&rest, '.');
    struct jwt t = {.input = {text.p, header.n + 1 + payload.n}};
    if (text.n > TOKEN_BYTES_MAX || dots(text) != 2 || header.n == 0 || payload.n == 0 || rest.n == 0) return false;
    if (!base64url_parse(a, header, &header) || !base64url_parse(a, payload, &t.payload) || !base64url_parse(a, rest, &t.signature))
        return false;
    if (!read_header(a, header, &t)) return false;
    *out = t;
    return true;
}

bool jwt_verify(const struct jwt *t, const struct jwt_key *key) {
    uint8_t mac[32];
    if (t->algorithm != key->algorithm) return false;
    if (key->algorithm != JWT_HS256) return jwt_public_verify(t, key);
    if (key->material.n < JWT_SECRET_BYTES_MIN) return false;
    crypto_hmac_any(key->material, t->input, mac);
    return t->signature.n == sizeof mac && crypto_equal(mac, t->signature.p, sizeof mac);
}

/* ---- the claims ---- */

/* A NumericDate: seconds, perhaps with a fraction. */
static bool time_of(const struct json *claims, const char *key, int64_t *ms) {
    const struct json *v = json_get(claims, key);
    if (v == NULL || v->type != JSON_NUMBER || v->number < 0 || v->number > (double)(TIME_MS_MAX / MS_SECOND)) return false;
    *ms = (int64_t)(v->number * (double)MS_SECOND);
    return true;
}

static bool is_for(const struct json *aud, struct str audience) {
    bool named = false;
    if (aud == NULL) return false;
    if (aud->type == JSON_STRING) return str_eq(aud->string, audience);
    if (aud->type != JSON_ARRAY) return false;
    for (uint32_t i = 0; i < aud->n; i++) {
        if (aud->items[i].type != JSON_STRING) return false;
        named = named || str_eq(aud->items[i].string, audience);
    }
    return named;
}

static const char *times_fault(const struct json *claims, int64_t now_ms, struct jwt_claims *out) {
    static_assert(TOKEN_LIFE_MS_MAX == 24 * MS_HOUR, "the text below says it");
    int64_t not_before = 0;
    if (!time_of(claims, "iat", &out->issued_ms)) return "the token needs iat, the time of its issue in seconds";
    if (!time_of(claims, "exp", &out->expires_ms)) return "the token needs exp, the time of its end in seconds";
    if (json_get(claims, "nbf") != NULL && !time_of(claims, "nbf", &not_before)) return "the token's nbf is not a time in seconds";
    if (out->expires_ms <= out->issued_ms) return "the token ends before it is issued";
    if (out->expires_ms - out->issued_ms > TOKEN_LIFE_MS_MAX) return "the token is made for longer than 24 hours";
    if (now_ms >= out->expires_ms + TOKEN_SKEW_MS) return "the token has expired";
    if (now_ms < out->issued_ms - TOKEN_SKEW_MS || now_ms < not_before - TOKEN_SKEW_MS) return "the token is not valid yet";
    return NULL;
}

const char *jwt_claims_read(struct arena *a, const struct jwt *t, struct str audience, int64_t now_ms, struct jwt_claims *out) {
    struct json claims;
    struct str iss;
    if (!object_of(a, t->payload, &claims)) return "the token's claims are not one object of strict JSON";
    if (!text_of(&claims, "sub", &out->sub) || !public_id_is_valid(out->sub)) return "the token needs sub, the id of a member";
    if (!is_for(json_get(&claims, "aud"), audience)) return "the token's aud does not name the tenant";
    if (!text_of(&claims, "iss", &iss)) return "the token's iss is not a text";
    return times_fault(&claims, now_ms, out);
}
