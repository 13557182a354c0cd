#include "base/ids.h"

#include <string.h>
#include <uuid.h>

#include "base/clock.h"
#include "base/limits.h"

enum { AFTER_US_MAX = 0xfff };

bool position_eq(struct position a, struct position b) { return a.day == b.day && a.lane == b.lane && a.n == b.n && a.i == b.i; }

struct uuid uuid_make(int64_t now_ms, const uint8_t random[10]) {
    struct uuid u;
    MUST(now_ms >= 0 && now_ms >> 48 == 0);
    for (int i = 0; i < 6; i++) u.b[i] = (uint8_t)(now_ms >> (40 - 8 * i));
    memcpy(u.b + 6, random, 10);
    u.b[6] = (uint8_t)(0x70 | (u.b[6] & 0x0f)); /* version 7 */
    u.b[8] = (uint8_t)(0x80 | (u.b[8] & 0x3f)); /* variant of RFC 9562 */
    return u;
}

struct uuid uuid_new(int64_t now_ms) {
    uuid_t drawn; /* version 4: all is random but for bits of bytes 6 and 8 */
    uint8_t rest[10];
    int64_t after_us = clock_now_us() - now_ms * 1000;
    if (after_us < 0) after_us = 0; /* the clock was set back */
    if (after_us > AFTER_US_MAX) after_us = AFTER_US_MAX;
    rest[0] = (uint8_t)(after_us >> 8);
    rest[1] = (uint8_t)after_us;
    uuid_generate_random(drawn);
    memcpy(rest + 2, drawn, 4);
    memcpy(rest + 6, drawn + 9, 4);
    return uuid_make(now_ms, rest);
}

static bool dash_before(size_t byte) { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

struct str uuid_text(struct arena *a, struct uuid u) {
    static const char digits[] = "0123456789abcdef";
    char *out = arena_alloc(a, 36), *to = out;
    for (size_t i = 0; i < sizeof u.b; i++) {
        if (dash_before(i)) *to++ = '-';
        *to++ = digits[u.b[i] >> 4];
        *to++ = digits[u.b[i] & 15];
    }
    return (struct str){out, 36};
}

static int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool uuid_of_text(struct str s, struct uuid *out) {
    struct uuid u;
    size_t at = 0;
    if (s.n != 36) return false;
    for (size_t i = 0; i < sizeof u.b; i++) {
        if (dash_before(i) && s.p[at++] != '-') return false;
        int high = digit_of(s.p[at]), low = digit_of(s.p[at + 1]);
        if (high < 0 || low < 0) return false;
        u.b[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    *out = u;
    return true;
}

static bool is_letter_or_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool code_is_valid(struct str s) {
    if (s.n < 1 || s.n > CODE_BYTES_MAX || !is_letter_or_digit(s.p[0])) return false;
    for (size_t i = 1; i < s.n; i++)
        if (!is_letter_or_digit(s.p[i]) && s.p[i] != '.' && s.p[i] != '_' && s.p[i] != '-' && s.p[i] != ':') return false;
    return true;
}

bool public_id_is_valid(struct str s) {
    if (s.n < 1 || s.n > ID_BYTES_MAX || str_has_control(s) || !str_is_utf8(s)) return false;
    struct str rest = s;
    while (rest.p) {
        struct str segment = str_cut(&rest, '/');
        if (str_is(segment, ".") || str_is(segment, "..")) return false;
    }
    return true;
}
