/* The encodings that can never change quietly, against golden files that a script made from docs/adr/0001-encodings.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/crypto/encodings.h"
#include "tests/unit/golden.h"

#define GOLDEN(name) golden_read(a, "tests/golden/encodings/" name ".json")

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

static struct key32 key_of(struct arena *a, const struct json *row, const char *name) {
    struct key32 key;
    struct str bytes = golden_bytes(a, row, name);
    assert_int_equal(bytes.n, KEY_BYTES);
    memcpy(key.b, bytes.p, KEY_BYTES);
    return key;
}

static void test_tenant_keys(void **state) {
    struct arena *a = *state;
    const struct json *rows = GOLDEN("tenant_keys");
    for (uint32_t i = 0; i < rows->n; i++) {
        const struct json *row = &rows->items[i];
        struct key32 installation = key_of(a, row, "installation");
        struct tenant_keys keys = tenant_keys_of(&installation, (tenant_id){(uint32_t)golden_int(row, "tenant")});
        golden_equal(a, row, "identity", keys.identity.b, KEY_BYTES);
        golden_equal(a, row, "random", keys.random.b, KEY_BYTES);
        golden_equal(a, row, "ledger", keys.ledger.b, KEY_BYTES);
        golden_equal(a, row, "tokens", keys.tokens.b, KEY_BYTES);
    }
}

static void test_identity_semantics_1(void **state) {
    struct arena *a = *state;
    const struct json *rows = GOLDEN("identity");
    for (uint32_t i = 0; i < rows->n; i++) {
        const struct json *row = &rows->items[i];
        struct key32 key = key_of(a, row, "key");
        struct hash16 h = identity_of(&key, golden_text(row, "source"), golden_text(row, "id"));
        golden_equal(a, row, "identity", h.b, HASH16_BYTES);
    }
}

static const struct json *data_of(struct arena *a, const struct json *row) {
    const struct json *text = json_get(row, "data");
    struct json *v = NEW(a, struct json);
    struct faults faults = faults_new(a);
    assert_non_null(text);
    if (text->type == JSON_NULL) return NULL;
    assert_int_equal(json_parse(a, text->string, v, &faults), P_OK);
    return v;
}

static void test_canonical_form_and_fingerprint_semantics_2(void **state) {
    struct arena *a = *state;
    const struct json *rows = GOLDEN("fingerprint");
    for (uint32_t i = 0; i < rows->n; i++) {
        const struct json *row = &rows->items[i];
        struct key32 key = key_of(a, row, "key");
        struct str type = golden_text(row, "type"), member = golden_text(row, "member");
        int64_t time = json_get(row, "time")->type == JSON_NULL ? -1 : golden_int(row, "time");
        const struct json *data = data_of(a, row);
        struct str form = event_canonical(a, type, member, time, data);
        golden_equal(a, row, "canonical", form.p, form.n);
        struct hash16 h = event_fingerprint(&key, a, type, member, time, data);
        golden_equal(a, row, "fingerprint", h.b, HASH16_BYTES);
    }
}

/* The reader gives no −0, but data may also be made by a program. */
static void test_minus_zero_is_zero(void **state) {
    struct arena *a = *state;
    struct json plus = json_num(0.0), minus = {.type = JSON_NUMBER, .number = -0.0};
    assert_true(str_eq(event_canonical(a, STR("t"), STR("m"), 0, &plus), event_canonical(a, STR("t"), STR("m"), 0, &minus)));
}

/* The same group is the same event; another group is another event. */
static void test_fingerprints_tell_events_apart(void **state) {
    struct arena *a = *state;
    const struct json *rows = GOLDEN("fingerprint");
    for (uint32_t i = 0; i < rows->n; i++) {
        for (uint32_t k = 0; k < i; k++) {
            const struct json *left = &rows->items[i], *right = &rows->items[k];
            bool same_group = str_eq(golden_text(left, "group"), golden_text(right, "group"));
            assert_int_equal(same_group, str_eq(golden_text(left, "fingerprint"), golden_text(right, "fingerprint")));
        }
    }
}

static void test_request_fingerprint_semantics_8(void **state) {
    struct arena *a = *state;
    const struct json *rows = GOLDEN("request");
    for (uint32_t i = 0; i < rows->n; i++) {
        const struct json *row = &rows->items[i];
        struct key32 key = key_of(a, row, "key");
        struct hash16 h = request_fingerprint(&key, golden_text(row, "method"), golden_text(row, "path"), golden_text(row, "body"));
        golden_equal(a, row, "fingerprint", h.b, HASH16_BYTES);
    }
}

static void test_random_amounts_semantics_11(void **state) {
    struct arena *a = *state;
    const struct json *rows = GOLDEN("random");
    for (uint32_t i = 0; i < rows->n; i++) {
        const struct json *row = &rows->items[i];
        struct key32 key = key_of(a, row, "key");
        int64_t amount = random_amount(&key, golden_text(row, "source"), golden_text(row, "id"), golden_text(row, "rule"),
                                       (uint32_t)golden_int(row, "n"), golden_i64(row, "low"), golden_i64(row, "high"));
        assert_int_equal(amount, golden_i64(row, "amount"));
    }
}

/* Both ends come up, nothing beyond them, and all about as often. */
static void test_random_amounts_cover_their_range(void **state) {
    (void)state;
    struct key32 key = {{1}};
    int seen[6] = {0};
    for (uint32_t n = 0; n < 6000; n++) {
        int64_t v = random_amount(&key, STR("s"), STR("i"), STR("r"), n, 1, 6);
        assert_in_range(v, 1, 6);
        seen[v - 1]++;
    }
    for (size_t i = 0; i < COUNT(seen); i++) assert_in_range(seen[i], 850, 1150);
}

static void test_ledger_chain_invariant_1(void **state) {
    struct arena *a = *state;
    const struct json *rows = GOLDEN("ledger");
    struct hash16 previous = {{0}};
    assert_int_equal(rows->n, 3);
    for (uint32_t i = 0; i < rows->n; i++) {
        const struct json *row = &rows->items[i];
        struct key32 key = key_of(a, row, "key");
        struct ledger_link l = {
            .tenant = {(uint32_t)golden_u64(row, "tenant")},
            .member = {golden_u64(row, "member")},
            .currency = (uint16_t)golden_u64(row, "currency"),
            .part = (enum part)golden_u64(row, "part"),
            .seq = golden_u64(row, "seq"),
            .amount = golden_i64(row, "amount"),
            .balance_after = golden_i64(row, "balance_after"),
            .kind = (enum transfer_kind)golden_u64(row, "kind"),
            .contra = (enum account)golden_u64(row, "contra"),
            .cause = {.day = (uint32_t)golden_u64(row, "day"),
                      .lane = (uint16_t)golden_u64(row, "lane"),
                      .n = golden_u64(row, "n"),
                      .i = (uint16_t)golden_u64(row, "i")},
            .created_at = golden_i64(row, "created_at"),
        };
        struct str transfer = golden_bytes(a, row, "transfer");
        assert_int_equal(transfer.n, sizeof l.transfer.b);
        memcpy(l.transfer.b, transfer.p, transfer.n);
        golden_equal(a, row, "previous", previous.b, HASH16_BYTES); /* the chain hangs together */
        previous = ledger_hash(&key, previous, &l);
        golden_equal(a, row, "hash", previous.b, HASH16_BYTES);
    }
}

static void test_api_tokens(void **state) {
    struct arena *a = *state;
    const struct json *rows = GOLDEN("api_token");
    for (uint32_t i = 0; i < rows->n; i++) {
        const struct json *row = &rows->items[i];
        struct str text = golden_text(row, "text");
        struct api_token t;
        bool valid = api_token_parse(text, &t);
        if (valid != golden_bool(row, "valid")) fail_msg("token %s: " STR_FMT, valid ? "taken" : "refused", STR_ARG(text));
        if (!valid) continue;
        uint8_t stored[32];
        assert_true(str_eq(t.env, golden_text(row, "env")));
        assert_true(str_eq(t.key_id, golden_text(row, "key_id")));
        assert_true(str_eq(t.secret, golden_text(row, "secret")));
        assert_true(str_eq(api_token_text(a, t.env, t.key_id, t.secret), text));
        crypto_sha256(t.secret, stored);
        golden_equal(a, row, "stored", stored, sizeof stored);
    }
}

static void test_transaction_ids(void **state) {
    struct arena *a = *state;
    const struct json *rows = GOLDEN("transaction_id");
    for (uint32_t i = 0; i < rows->n; i++) {
        const struct json *row = &rows->items[i];
        struct str text = golden_text(row, "text");
        uint16_t currency;
        enum part part;
        uint64_t seq;
        bool valid = transaction_id_parse(text, &currency, &part, &seq);
        if (valid != golden_bool(row, "valid")) fail_msg("transaction id %s: " STR_FMT, valid ? "taken" : "refused", STR_ARG(text));
        if (!valid) continue;
        assert_int_equal(currency, golden_int(row, "currency"));
        assert_int_equal(part, golden_int(row, "part"));
        assert_true(seq == golden_u64(row, "seq"));
        assert_true(str_eq(transaction_id_text(a, currency, part, seq), text));
    }
}

static void test_sealed_texts_of_old_open(void **state) {
    struct arena *a = *state;
    const struct json *rows = GOLDEN("sealed");
    for (uint32_t i = 0; i < rows->n; i++) {
        const struct json *row = &rows->items[i];
        struct str key = golden_bytes(a, row, "key"), sealed = golden_bytes(a, row, "sealed"), clear;
        struct str associated =
            seal_associated(a, (tenant_id){(uint32_t)golden_int(row, "tenant")}, (member_no){golden_u64(row, "member")});
        assert_int_equal(key.n, SEAL_KEY_BYTES);
        golden_equal(a, row, "associated", associated.p, associated.n);
        assert_true(crypto_open(a, (const uint8_t *)key.p, associated, sealed, &clear));
        golden_equal(a, row, "clear", clear.p, clear.n);
    }
}

static void test_sealed_token_keys_of_old_open(void **state) {
    struct arena *a = *state;
    const struct json *rows = GOLDEN("token_key");
    for (uint32_t i = 0; i < rows->n; i++) {
        const struct json *row = &rows->items[i];
        struct key32 installation = key_of(a, row, "installation");
        tenant_id tenant = {(uint32_t)golden_int(row, "tenant")};
        struct tenant_keys keys = tenant_keys_of(&installation, tenant);
        struct str sealed = golden_bytes(a, row, "sealed"), clear;
        struct str associated = token_key_associated(a, tenant, (uint8_t)golden_int(row, "algorithm"), golden_text(row, "kid"));
        golden_equal(a, row, "associated", associated.p, associated.n);
        assert_true(crypto_open(a, keys.tokens.b, associated, sealed, &clear));
        golden_equal(a, row, "clear", clear.p, clear.n);
        struct str another = token_key_associated(a, tenant, 9, golden_text(row, "kid"));
        assert_false(crypto_open(a, keys.tokens.b, another, sealed, &clear));
    }
}

static void test_key_ids(void **state) {
    (void)state;
    assert_true(key_id_is_valid(STR("0189ABYZabyz0000")));
    assert_false(key_id_is_valid(STR("0189ABYZabyz000")));
    assert_false(key_id_is_valid(STR("0189ABYZabyz00000")));
    assert_false(key_id_is_valid(STR("0189ABYZabyz000_")));
    assert_false(key_id_is_valid(STR("")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tenant_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_identity_semantics_1, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_canonical_form_and_fingerprint_semantics_2, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_minus_zero_is_zero, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fingerprints_tell_events_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_request_fingerprint_semantics_8, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_random_amounts_semantics_11, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_random_amounts_cover_their_range, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ledger_chain_invariant_1, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_api_tokens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_transaction_ids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sealed_texts_of_old_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sealed_token_keys_of_old_open, set_up, tear_down),
        cmocka_unit_test(test_key_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
