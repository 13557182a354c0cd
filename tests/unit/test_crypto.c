/* Hashes and sealing against published vectors (FIPS 180-4, RFC 4231), and the text forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/crypto/crypto.h"

static int set_up(void **state) { return *state = arena_new(), 0; }
static int tear_down(void **state) { return arena_free((struct arena **)state), 0; }

static void assert_hex(struct arena *a, const void *bytes, size_t n, const char *expected) {
    assert_string_equal(str_z(a, hex_text(a, (struct str){bytes, n})), expected);
}

static void test_sha256(void **state) {
    uint8_t out[32];
    crypto_sha256(STR("abc"), out);
    assert_hex(*state, out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypto_sha256((struct str){NULL, 0}, out);
    assert_hex(*state, out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    crypto_sha256(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), out);
    assert_hex(*state, out, 32, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* HMAC fills a short key up with zeros, so that RFC 4231's keys of 20 and 4 bytes are keys of 32 bytes too. */
static void test_hmac_rfc_4231(void **state) {
    struct key32 first = {{0}}, second = {"Jefe"};
    uint8_t out[32];
    memset(first.b, 0x0b, 20);
    crypto_hmac(&first, STR("Hi There"), out);
    assert_hex(*state, out, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    crypto_hmac(&second, STR("what do ya want for nothing?"), out);
    assert_hex(*state, out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    struct hash16 h = crypto_hmac16(&first, STR("Hi There"));
    assert_hex(*state, h.b, 16, "b0344c61d8db38535ca8afceaf0bf12b");
}

static void test_hmac_of_parts_is_that_of_the_whole(void **state) {
    (void)state;
    struct key32 key = {"k"};
    uint8_t whole[32], parts[32], again[32];
    crypto_hmac(&key, STR("one two three"), whole);
    crypto_hmac_parts(&key, (struct str[]){STR("one "), STR(""), {NULL, 0}, STR("two three")}, 4, parts);
    assert_memory_equal(whole, parts, 32);
    crypto_hmac_parts(&key, NULL, 0, parts);
    crypto_hmac(&key, STR(""), again);
    assert_memory_equal(again, parts, 32);
    key.b[31] = 1;
    crypto_hmac(&key, STR("one two three"), again);
    assert_memory_not_equal(whole, again, 32);
}

/* RFC 5869 step by step: what crypto_hkdf gives is what two HMACs give. */
static void test_hkdf_is_extract_and_expand(void **state) {
    (void)state;
    struct key32 secret = {"secret"}, salt = {"salt"}, extracted;
    uint8_t expected[32];
    crypto_hmac(&salt, (struct str){(const char *)secret.b, KEY_BYTES}, extracted.b);
    crypto_hmac(&extracted, STR("label\x01"), expected);
    struct key32 got = crypto_hkdf(&secret, STR("salt"), STR("label"));
    assert_memory_equal(got.b, expected, 32);
    crypto_hmac(&extracted, STR("\x01"), expected);
    got = crypto_hkdf(&secret, STR("salt"), (struct str){NULL, 0});
    assert_memory_equal(got.b, expected, 32);
}

/* A child of fork goes on with bytes of its own. */
static void test_random_bytes_are_given_once(void **state) {
    (void)state;
    enum { PIECES = 1000, CHILD = PIECES / 2 };
    static uint64_t pieces[PIECES];
    int pipe_of[2];
    assert_int_equal(pipe(pipe_of), 0);
    crypto_random(&pieces[0], sizeof pieces[0]);
    pid_t child = fork();
    if (child == 0) {
        for (size_t i = 0; i < PIECES - CHILD; i++) crypto_random(&pieces[i], sizeof pieces[i]);
        _exit(write(pipe_of[1], pieces, (PIECES - CHILD) * sizeof pieces[0]) < 0);
    }
    for (size_t i = 1; i < CHILD; i++) crypto_random(&pieces[i], sizeof pieces[i]);
    assert_int_equal(read(pipe_of[0], &pieces[CHILD], (PIECES - CHILD) * sizeof pieces[0]), (PIECES - CHILD) * sizeof pieces[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    for (size_t i = 0; i < PIECES; i++) {
        for (size_t j = 0; j < i; j++) assert_true(pieces[i] != pieces[j]);
    }
    close(pipe_of[0]);
    close(pipe_of[1]);
}

/* The library keeps what it made of the last key: another one in between, of any kind, changes nothing. */
static void test_hashes_by_turns_with_several_keys(void **state) {
    (void)state;
    struct key32 one = {{1}}, two = {{2}};
    uint8_t first[32], again[32], other[32], any[32];
    crypto_hmac(&one, STR("text"), first);
    crypto_hmac(&one, STR("text"), again);
    assert_memory_equal(first, again, 32);
    crypto_hmac(&two, STR("text"), other);
    assert_memory_not_equal(first, other, 32);
    crypto_hmac_any((struct str){(const char *)one.b, sizeof one.b}, STR("text"), any);
    assert_memory_equal(first, any, 32);
    crypto_hmac(&two, STR("text"), again);
    assert_memory_equal(other, again, 32);
    crypto_hmac(&one, STR("text"), again);
    assert_memory_equal(first, again, 32);
}

static void test_random_bytes_and_characters_differ(void **state) {
    (void)state;
    uint8_t one[32] = {0}, two[32] = {0};
    crypto_random(one, sizeof one);
    crypto_random(two, sizeof two);
    assert_memory_not_equal(one, two, sizeof one);
    enum { CHARS = 62 * 10000 };
    static char text[CHARS];
    int seen[128] = {0}, different = 0;
    base62_random(text, CHARS);
    for (size_t i = 0; i < CHARS; i++) {
        char c = text[i];
        assert_true((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
        seen[(int)c]++;
    }
    for (size_t i = 0; i < COUNT(seen); i++) {
        if (!seen[i]) continue;
        assert_in_range(seen[i], 9300, 10700); /* 10,000 expected, 7 standard deviations */
        different++;
    }
    assert_int_equal(different, 62);
}

static void test_equal_and_wipe(void **state) {
    (void)state;
    char text[] = "secret";
    assert_true(crypto_equal("abc", "abc", 3));
    assert_true(crypto_equal("abc", "abd", 2));
    assert_false(crypto_equal("abc", "abd", 3));
    crypto_wipe(text, 6);
    assert_memory_equal(text, "\0\0\0\0\0\0", 6);
}

static void test_sealed_opens_and_nonces_differ(void **state) {
    struct arena *a = *state;
    const uint8_t key[SEAL_KEY_BYTES] = {1, 2, 3};
    static const size_t sizes[] = {0, 1, 15, 16, 17, 5000};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct str clear = {arena_alloc(a, sizes[i]), sizes[i]}, back;
        struct str sealed = crypto_seal(a, key, STR("of"), clear), again = crypto_seal(a, key, STR("of"), clear);
        assert_int_equal(sealed.n, sizes[i] + SEAL_OVERHEAD);
        assert_memory_not_equal(sealed.p, again.p, 12);
        assert_true(crypto_open(a, key, STR("of"), sealed, &back));
        assert_true(str_eq(back, clear));
    }
}

/* Any bit changed, anything cut, another key or another member: it does not open. */
static void test_sealed_does_not_open_when_changed(void **state) {
    struct arena *a = *state;
    const uint8_t key[SEAL_KEY_BYTES] = {1}, other[SEAL_KEY_BYTES] = {2};
    struct str sealed = crypto_seal(a, key, STR("of"), STR("what it says")), clear;
    for (size_t i = 0; i < sealed.n; i++) {
        char *changed = arena_copy(a, sealed.p, sealed.n);
        changed[i] ^= 0x10;
        assert_false(crypto_open(a, key, STR("of"), (struct str){changed, sealed.n}, &clear));
    }
    for (size_t n = 0; n < sealed.n; n++) assert_false(crypto_open(a, key, STR("of"), (struct str){sealed.p, n}, &clear));
    assert_false(crypto_open(a, other, STR("of"), sealed, &clear));
    assert_false(crypto_open(a, key, STR("on"), sealed, &clear));
    assert_false(crypto_open(a, key, STR(""), sealed, &clear));
    assert_true(crypto_open(a, key, STR("of"), sealed, &clear));
    assert_true(str_is(clear, "what it says"));
}

static void test_hex(void **state) {
    struct arena *a = *state;
    struct str bytes;
    assert_hex(a, "\x00\xff\x10z", 4, "00ff107a");
    assert_true(hex_parse(a, STR("00fF107A"), &bytes));
    assert_int_equal(bytes.n, 4);
    assert_memory_equal(bytes.p, "\x00\xff\x10z", 4);
    assert_true(hex_parse(a, STR(""), &bytes));
    assert_int_equal(bytes.n, 0);
    static const char *const bad[] = {"0", "0g", "g0", "0x", " 00", "00 ", "-1", "0:", "@0", "`0"};
    for (size_t i = 0; i < COUNT(bad); i++) assert_false(hex_parse(a, str_of(bad[i]), &bytes));
}

static void test_base64url_rfc_4648(void **state) {
    struct arena *a = *state;
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "-_-_"},
    };
    struct str bytes;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(str_z(a, base64url_text(a, str_of(cases[i].bytes))), cases[i].text);
        assert_true(base64url_parse(a, str_of(cases[i].text), &bytes));
        assert_true(str_is(bytes, cases[i].bytes));
    }
    static const char *const bad[] = {"Z", "Zg==", "Zh", "Zm9", "Zm8=", "Zm9v=", "Zm+v", "Zm/v", "Zm9vY", "Z g", "Zg\n", "\xc3\xa9"};
    for (size_t i = 0; i < COUNT(bad); i++)
        if (base64url_parse(a, str_of(bad[i]), &bytes)) fail_msg("taken as base64url: %s", bad[i]);
    uint8_t three[3];
    assert_true(base64url_decode(STR("Zm9v"), three, 3));
    assert_memory_equal(three, "foo", 3);
    assert_false(base64url_decode(STR("Zm8"), three, 3));
    assert_false(base64url_decode(STR("Zm9vYg"), three, 3));
}

static void test_base64url_of_all_bytes_comes_back(void **state) {
    struct arena *a = *state;
    char all[257];
    for (int i = 0; i < 257; i++) all[i] = (char)(i * 7);
    for (size_t n = 0; n <= sizeof all; n++) {
        struct str bytes, text = base64url_text(a, (struct str){all, n});
        assert_int_equal(text.n, (n * 4 + 2) / 3);
        assert_true(base64url_parse(a, text, &bytes));
        assert_true(str_eq(bytes, (struct str){all, n}));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sha256, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hmac_rfc_4231, set_up, tear_down),
        cmocka_unit_test(test_hmac_of_parts_is_that_of_the_whole),
        cmocka_unit_test(test_hkdf_is_extract_and_expand),
        cmocka_unit_test(test_random_bytes_are_given_once),
        cmocka_unit_test(test_hashes_by_turns_with_several_keys),
        cmocka_unit_test(test_random_bytes_and_characters_differ),
        cmocka_unit_test(test_equal_and_wipe),
        cmocka_unit_test_setup_teardown(test_sealed_opens_and_nonces_differ, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sealed_does_not_open_when_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hex, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_base64url_rfc_4648, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_base64url_of_all_bytes_comes_back, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
