#include "base/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"

enum {
    PLACES_MAX = 6,
    MILLION = 1000000,
    DIGITS = 15,              /* what every double keeps of a decimal */
    PRODUCT_PLACES_MAX = 240, /* 40 factors of 6 places: far beyond a rule; bounds the uint8_t */
};
#define DECIMAL_MAX INT64_C(1000000000000) /* 10^12, as bound and in millionths inside int64 */

/* clang-format off */
static const int64_t power_of_ten[] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000,
    100000000, 1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000,
    100000000000000, 1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000,
};
/* clang-format on */
enum { POWER_MAX = COUNT(power_of_ten) - 1 };

static struct decimal stripped(int64_t digits, int places) {
    while (places > 0 && digits % 10 == 0) {
        digits /= 10;
        places--;
    }
    return (struct decimal){.digits = digits, .places = (uint8_t)places};
}

struct decimal decimal_of(int64_t millionths) {
    MUST(millionths >= -DECIMAL_MAX * MILLION && millionths <= DECIMAL_MAX * MILLION);
    return stripped(millionths, PLACES_MAX);
}

struct decimal decimal_int(int64_t v) {
    return (struct decimal){.digits = v};
}

int64_t decimal_millionths(struct decimal d) {
    int64_t millionths;
    MUST(d.places <= PLACES_MAX);
    MUST(!__builtin_mul_overflow(d.digits, power_of_ten[PLACES_MAX - d.places], &millionths));
    MUST(millionths >= -DECIMAL_MAX * MILLION && millionths <= DECIMAL_MAX * MILLION);
    return millionths;
}

/* The decimal of 15 digits that lies nearest, if it reads back as the same double, is the one that was written. */
bool decimal_from_double(double d, struct decimal *out) {
    if (!(fabs(d) <= (double)DECIMAL_MAX)) return false;
    char text[40]; /* -d.dddddddddddddde±dd */
    snprintf(text, sizeof text, "%.*e", DIGITS - 1, d);
    if (strtod(text, NULL) != d) return false;
    int64_t digits = 0;
    const char *p = text;
    for (; *p != 'e'; p++)
        if (*p >= '0' && *p <= '9') digits = digits * 10 + (*p - '0');
    int places = DIGITS - 1 - (int)strtol(p + 1, NULL, 10);
    if (digits == 0) places = 0;
    while (places > 0 && digits % 10 == 0) {
        digits /= 10;
        places--;
    }
    if (places > PLACES_MAX) return false;
    *out = (struct decimal){.digits = d < 0 ? -digits : digits, .places = (uint8_t)places};
    return true;
}

/* The whole part is taken apart first: with it, d × 10^6 would not be exact from about 9·10^9 on. */
bool decimal_round_double(double d, __int128 *millionths) {
    if (!(fabs(d) <= (double)AMOUNT_MAX)) return false;
    double whole, fraction = modf(d, &whole);
    *millionths = (__int128)whole * MILLION + (__int128)round(fraction * MILLION);
    return true;
}

struct product product_of(int64_t amount) {
    return (struct product){.digits = amount};
}

struct product product_of_millionths(__int128 millionths) {
    struct product p = {.digits = millionths, .places = PLACES_MAX};
    while (p.places > 0 && p.digits % 10 == 0) {
        p.digits /= 10;
        p.places--;
    }
    return p;
}

/* Trailing zeros stay: so a smaller amount never overflows where a larger one does not, and the check of a configuration with its
 * largest amount holds for all. */
void product_multiply(struct product *p, struct decimal factor) {
    if (p->overflow) return;
    if (__builtin_mul_overflow(p->digits, (__int128)factor.digits, &p->digits) || p->places > PRODUCT_PLACES_MAX - PLACES_MAX) {
        p->overflow = true;
        return;
    }
    p->places = p->digits ? (uint8_t)(p->places + factor.places) : 0;
}

static bool scale_up(__int128 *digits, int places) {
    for (; places > 0; places -= POWER_MAX)
        if (__builtin_mul_overflow(*digits, (__int128)power_of_ten[places < POWER_MAX ? places : POWER_MAX], digits)) return false;
    return true;
}

void product_add(struct product *p, struct decimal summand) {
    if (p->overflow || !summand.digits) return;
    __int128 other = summand.digits;
    bool good = p->places < summand.places ? scale_up(&p->digits, summand.places - p->places) //
                                           : scale_up(&other, p->places - summand.places);
    if (!good || __builtin_add_overflow(p->digits, other, &p->digits)) {
        p->overflow = true;
        return;
    }
    if (p->places < summand.places) p->places = summand.places;
}

/* A floor of floors is the floor of the whole, so more places than a power of ten has are taken in parts. */
bool product_floor(const struct product *p, int64_t *out) {
    if (p->overflow) return false;
    __int128 v = p->digits;
    for (int places = p->places; places > 0; places -= POWER_MAX) {
        int64_t divisor = power_of_ten[places < POWER_MAX ? places : POWER_MAX];
        v = v / divisor - (v % divisor < 0);
    }
    if (v < -AMOUNT_MAX || v > AMOUNT_MAX) return false;
    *out = (int64_t)v;
    return true;
}
