/* base/crypto/encodings.h: the encodings of ENCODINGS that are hashes over what came from outside: they can never change quietly
 * (tests/golden/encodings). Those of the state row and the outcome are in engine/. */
#ifndef BASE_CRYPTO_ENCODINGS_H
#define BASE_CRYPTO_ENCODINGS_H

#include "base/crypto/crypto.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/numbers.h"

/* A tenant's keys: HKDF-SHA256(installation key, salt = tenant id as u32, info = label). */
struct tenant_keys {
    struct key32 identity, random, ledger, tokens;
};
struct tenant_keys tenant_keys_of(const struct key32 *installation, tenant_id t);

struct hash16 identity_of(const struct key32 *identity_key, struct str source, struct str id);

/* The canonical form and its HMAC. time_ms < 0: no time was sent. data NULL counts as an absent value (tag of its own). */
struct str event_canonical(struct arena *a, struct str type, struct str member, int64_t time_ms, const struct json *data);
struct hash16 event_fingerprint(const struct key32 *identity_key, struct arena *a, struct str type, struct str member, int64_t time_ms,
                                const struct json *data);

/* SEMANTICS 8: method, path, raw body, each after its length as u32; first 16 bytes of HMAC with the identity key. */
struct hash16 request_fingerprint(const struct key32 *identity_key, struct str method, struct str path, struct str body);

/* x → low + ⌊x · (high − low + 1) / 2⁶⁴⌋ with x from (source, id, rule code, n). */
int64_t random_amount(const struct key32 *random_key, struct str source, struct str id, struct str rule, uint32_t n, int64_t low,
                      int64_t high);

struct ledger_link { /* what one entry's hash covers, besides its predecessor */
    tenant_id tenant;
    member_no member;
    uint16_t currency;
    enum part part;
    uint64_t seq;
    int64_t amount, balance_after;
    enum transfer_kind kind;
    enum account contra;
    struct position cause;
    struct uuid transfer;
    int64_t created_at;
};
struct hash16 ledger_hash(const struct key32 *ledger_key, struct hash16 previous, const struct ledger_link *l);

/* What a sealed text of a member is bound to: tenant and member_no. */
struct str seal_associated(struct arena *a, tenant_id t, member_no m);
/* What the sealed key of a tenant's member tokens is bound to: tenant, algorithm, kid. It is sealed with the first half of `tokens`. */
struct str token_key_associated(struct arena *a, tenant_id t, uint8_t algorithm, struct str kid);

/* API keys: acc_<env>_<key id: 16>_<secret: 40>, base62. */
enum { API_KEY_ID_CHARS = 16, API_SECRET_CHARS = 40 };
struct api_token {
    struct str env;            /* 1–16 of [a-z0-9] */
    struct str key_id, secret; /* views into the text */
};
MUST_CHECK bool api_token_parse(struct str text, struct api_token *out);
bool key_id_is_valid(struct str s); /* of an API key, or the kid of a member token's key */
struct str api_token_text(struct arena *a, struct str env, struct str key_id, struct str secret);

/* Public transaction ids: opaque text of (currency number, part, seq), read under a member. */
struct str transaction_id_text(struct arena *a, uint16_t currency, enum part part, uint64_t seq);
MUST_CHECK bool transaction_id_parse(struct str text, uint16_t *currency, enum part *part, uint64_t *seq);

#endif
