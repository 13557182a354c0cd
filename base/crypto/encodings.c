#include "base/crypto/encodings.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/* The byte layouts are those of docs/adr/0001-encodings.md; tests/golden/encodings holds them fast. */

enum { TAG_ABSENT, TAG_NULL, TAG_FALSE, TAG_TRUE, TAG_NUMBER, TAG_STRING, TAG_ARRAY, TAG_OBJECT };

static void put_be(uint8_t *to, uint64_t v, size_t n) {
    for (size_t i = n; i-- > 0; v >>= 8) to[i] = (uint8_t)v;
}

static struct hash16 first_half(const uint8_t whole[32]) {
    struct hash16 h;
    memcpy(h.b, whole, sizeof h.b);
    return h;
}

/* The parts of a hash, each after its length as u32: without the lengths ("ab", "c") and ("a", "bc") would be the same. */
struct framed {
    struct str parts[8];
    uint8_t lengths[4][4];
    size_t n;
};

static void frame(struct framed *f, struct str s) {
    MUST(f->n < 8 && s.n <= UINT32_MAX);
    uint8_t *length = f->lengths[f->n / 2];
    put_be(length, s.n, 4);
    f->parts[f->n++] = (struct str){(const char *)length, 4};
    f->parts[f->n++] = s;
}

struct tenant_keys tenant_keys_of(const struct key32 *installation, tenant_id t) {
    uint8_t salt_bytes[4];
    put_be(salt_bytes, t.v, 4);
    struct str salt = {(const char *)salt_bytes, 4};
    return (struct tenant_keys){
        .identity = crypto_hkdf(installation, salt, STR("identity")),
        .random = crypto_hkdf(installation, salt, STR("random")),
        .ledger = crypto_hkdf(installation, salt, STR("ledger")),
        .tokens = crypto_hkdf(installation, salt, STR("tokens")),
    };
}

struct hash16 identity_of(const struct key32 *identity_key, struct str source, struct str id) {
    struct framed f = {.n = 0};
    uint8_t out[32];
    frame(&f, source);
    frame(&f, id);
    crypto_hmac_parts(identity_key, f.parts, f.n, out);
    return first_half(out);
}

/* Begins a value whose length is known only at its end; value_close writes it. */
static size_t value_open(struct buf *b, uint8_t tag) {
    buf_u8(b, tag);
    buf_u32(b, 0);
    return b->n;
}

static void value_close(struct buf *b, size_t opened) {
    if (!b->overflow) put_be((uint8_t *)b->p + opened - 4, b->n - opened, 4);
}

static void put_empty(struct buf *b, uint8_t tag) { value_close(b, value_open(b, tag)); }

static void put_string(struct buf *b, struct str s) {
    buf_u8(b, TAG_STRING);
    buf_u32(b, (uint32_t)s.n);
    buf_add(b, s);
}

static void put_number(struct buf *b, double d) {
    uint64_t bits;
    if (d == 0) d = 0; /* −0 is 0 */
    static_assert(sizeof bits == sizeof d, "a number is an IEEE-754 double");
    memcpy(&bits, &d, sizeof bits);
    buf_u8(b, TAG_NUMBER);
    buf_u32(b, 8);
    buf_u64(b, bits);
}

static int by_key(const void *a, const void *b) {
    const struct json_member *const *left = a, *const *right = b;
    return str_cmp((*left)->key, (*right)->key);
}

static void put_value(struct buf *b, const struct json *v);

static void put_members(struct buf *b, const struct json *object) {
    const struct json_member **sorted = NEW_ARRAY(b->arena, const struct json_member *, object->n);
    for (uint32_t i = 0; i < object->n; i++) sorted[i] = &object->members[i];
    qsort(sorted, object->n, sizeof *sorted, by_key);
    for (uint32_t i = 0; i < object->n; i++) {
        put_string(b, sorted[i]->key);
        put_value(b, &sorted[i]->value);
    }
}

/* Recursion is bounded by JSON_DEPTH_MAX, which the reader enforces. */
static void put_value(struct buf *b, const struct json *v) {
    size_t opened;
    switch (v->type) {
    case JSON_NULL: put_empty(b, TAG_NULL); return;
    case JSON_BOOL: put_empty(b, v->boolean ? TAG_TRUE : TAG_FALSE); return;
    case JSON_NUMBER: put_number(b, v->number); return;
    case JSON_STRING: put_string(b, v->string); return;
    case JSON_ARRAY:
        opened = value_open(b, TAG_ARRAY);
        for (uint32_t i = 0; i < v->n; i++) put_value(b, &v->items[i]);
        value_close(b, opened);
        return;
    case JSON_OBJECT:
        opened = value_open(b, TAG_OBJECT);
        put_members(b, v);
        value_close(b, opened);
        return;
    }
    NEVER("a JSON value of no type");
}

/* No JSON text of n bytes has more than 8 n bytes in this form: the worst is "1," of 2 bytes, which becomes 13. */
enum { CANONICAL_BYTES_MAX = 8 * BODY_BYTES_MAX };

struct str event_canonical(struct arena *a, struct str type, struct str member, int64_t time_ms, const struct json *data) {
    struct buf b = buf_new(a, CANONICAL_BYTES_MAX);
    put_string(&b, type);
    put_string(&b, member);
    if (time_ms < 0)
        put_empty(&b, TAG_ABSENT);
    else
        put_number(&b, (double)time_ms);
    if (!data)
        put_empty(&b, TAG_ABSENT);
    else
        put_value(&b, data);
    MUST(buf_ok(&b));
    return buf_str(&b);
}

struct hash16 event_fingerprint(const struct key32 *identity_key, struct arena *a, struct str type, struct str member, int64_t time_ms,
                                const struct json *data) {
    return crypto_hmac16(identity_key, event_canonical(a, type, member, time_ms, data));
}

struct hash16 request_fingerprint(const struct key32 *identity_key, struct str method, struct str path, struct str body) {
    struct framed f = {.n = 0};
    uint8_t out[32];
    frame(&f, method);
    frame(&f, path);
    frame(&f, body);
    crypto_hmac_parts(identity_key, f.parts, f.n, out);
    return first_half(out);
}

int64_t random_amount(const struct key32 *random_key, struct str source, struct str id, struct str rule, uint32_t n, int64_t low,
                      int64_t high) {
    MUST(low <= high);
    struct framed f = {.n = 0};
    uint8_t out[32], count[4];
    uint64_t x = 0;
    frame(&f, source);
    frame(&f, id);
    frame(&f, rule);
    put_be(count, n, 4);
    f.parts[f.n++] = (struct str){(const char *)count, 4};
    crypto_hmac_parts(random_key, f.parts, f.n, out);
    for (int i = 0; i < 8; i++) x = x << 8 | out[i];
    /* The product has 128 bits at most, and what is added to low is at most high − low: it may exceed int64, the sum cannot. */
    unsigned __int128 width = (unsigned __int128)((__int128)high - low + 1);
    return (int64_t)(low + (__int128)(x * width >> 64));
}

struct hash16 ledger_hash(const struct key32 *ledger_key, struct hash16 previous, const struct ledger_link *l) {
    enum { LINK_BYTES = 97 };
    uint8_t bytes[LINK_BYTES], out[32], *to = bytes;
    MUST(l->part > 0 && l->part < PART__MAX && l->kind > 0 && l->kind < KIND__MAX && l->contra > 0 && l->contra < ACCOUNT__MAX);
#define PUT(v, n)    (put_be(to, (uint64_t)(v), (n)), to += (n))
#define PUT_BYTES(b) (memcpy(to, (b), sizeof(b)), to += sizeof(b))
    PUT_BYTES(previous.b);
    PUT(l->tenant.v, 4);
    PUT(l->member.v, 8);
    PUT(l->currency, 2);
    PUT(l->part, 1);
    PUT(l->seq, 8);
    PUT(l->amount, 8);
    PUT(l->balance_after, 8);
    PUT(l->kind, 1);
    PUT(l->contra, 1);
    PUT(l->cause.day, 4);
    PUT(l->cause.lane, 2);
    PUT(l->cause.n, 8);
    PUT(l->cause.i, 2);
    PUT_BYTES(l->transfer.b);
    PUT(l->created_at, 8);
#undef PUT
#undef PUT_BYTES
    MUST(to == bytes + LINK_BYTES);
    crypto_hmac(ledger_key, (struct str){(const char *)bytes, LINK_BYTES}, out);
    return first_half(out);
}

struct str seal_associated(struct arena *a, tenant_id t, member_no m) {
    uint8_t *bytes = arena_alloc(a, 12);
    put_be(bytes, t.v, 4);
    put_be(bytes + 4, m.v, 8);
    return (struct str){(const char *)bytes, 12};
}

struct str token_key_associated(struct arena *a, tenant_id t, uint8_t algorithm, struct str kid) {
    struct buf b = buf_new(a, 4 + 1 + API_KEY_ID_CHARS);
    buf_u32(&b, t.v);
    buf_u8(&b, algorithm);
    buf_add(&b, kid);
    MUST(buf_ok(&b));
    return buf_str(&b);
}
