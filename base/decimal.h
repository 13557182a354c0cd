/* base/decimal.h: factors and amounts without floating point (SEMANTICS 11, MECHANICS 2).
 *
 * A decimal has at most 6 places and is kept without trailing zeros: value = digits / 10^places. A product keeps all digits
 * in 128 bits; one floor (towards minus infinity) at the end. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include "base/str.h"

struct decimal {
    int64_t digits;
    uint8_t places; /* 0 … 6 */
};
struct decimal decimal_of(int64_t millionths);
struct decimal decimal_int(int64_t v);
int64_t decimal_millionths(struct decimal d); /* |value| <= 10^12 (MUST) */
/* A JSON number that has at most 6 places; false otherwise, or beyond ±10^12. 1.15 is 1.15, whatever the double says. More than
 * 15 significant digits are refused too: a double does not tell which decimal was written. */
MUST_CHECK bool decimal_from_double(double d, struct decimal *out);
/* An expression's result: rounded half away from zero at 6 places; false where it is not finite or beyond ±10^15. */
MUST_CHECK bool decimal_round_double(double d, __int128 *millionths);

/* The running product of an amount and its factors. */
struct product {
    __int128 digits;
    uint8_t places;
    bool overflow; /* sticky */
};
struct product product_of(int64_t amount);
struct product product_of_millionths(__int128 millionths);
void product_multiply(struct product *p, struct decimal factor);
void product_add(struct product *p, struct decimal summand);
MUST_CHECK bool product_floor(const struct product *p, int64_t *out); /* false: overflow, or beyond ±AMOUNT_MAX */

#endif
