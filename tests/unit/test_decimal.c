/* Factors and amounts without floating point (SEMANTICS 11, MECHANICS 2: doubles floor 100 × 1.15 to 114). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/decimal.h"
#include "base/limits.h"

static struct decimal dec(double d) {
    struct decimal out;
    if (!decimal_from_double(d, &out)) fail_msg("%.17g is a decimal", d);
    return out;
}

static int64_t floor_of(struct product p) {
    int64_t out;
    if (!product_floor(&p, &out)) fail_msg("the product overflows");
    return out;
}

static int64_t times(int64_t amount, double factor) {
    struct product p = product_of(amount);
    product_multiply(&p, dec(factor));
    return floor_of(p);
}

static void products_are_exact_and_floored_once(void **state) {
    (void)state;
    assert_int_equal(times(100, 1.15), 115);
    assert_int_equal(times(10, 2), 20);      /* SEMANTICS 24: a perfect call */
    assert_int_equal(times(100, 1.25), 125); /* SEMANTICS 24: a level-up */
    assert_int_equal(times(10, 1.15), 11);
    assert_int_equal(times(-10, 1.15), -12); /* towards minus infinity */
    assert_int_equal(times(-100, 1.15), -115);
    assert_int_equal(times(1, 0.999999), 0);
    assert_int_equal(times(-1, 0.000001), -1);
    assert_int_equal(times(0, 1.5), 0);
    assert_int_equal(times(AMOUNT_MAX, 1), AMOUNT_MAX);

    /* 5 × 1.5 × 1.4 = 10.5: 10, where a floor after each step would leave 9 */
    struct product p = product_of(5);
    product_multiply(&p, dec(1.5));
    product_multiply(&p, dec(1.4));
    assert_int_equal(floor_of(p), 10);

    p = product_of(100);
    product_multiply(&p, dec(1.155));
    product_add(&p, dec(0.5));
    assert_int_equal(floor_of(p), 116);
    product_add(&p, decimal_int(-117));
    assert_int_equal(floor_of(p), -1);

    p = product_of(1);
    product_add(&p, dec(0.25)); /* the sum has more places than the product */
    product_multiply(&p, decimal_int(4));
    assert_int_equal(floor_of(p), 5);
}

static void decimals_are_what_was_written(void **state) {
    (void)state;
    static const struct {
        double d;
        int64_t digits;
        int places;
    } cases[] = {
        {0, 0, 0},
        {-0.0, 0, 0},
        {1, 1, 0},
        {1000, 1000, 0},
        {1.15, 115, 2},
        {-1.15, -115, 2},
        {1.5, 15, 1},
        {0.1, 1, 1},
        {0.000001, 1, 6},
        {0.123456, 123456, 6},
        {1.000001, 1000001, 6},
        {4.35, 435, 2},
        {999999999.999999, 999999999999999, 6},
        {123456789012.5, 1234567890125, 1},
        {999999999999.999, 999999999999999, 3},
        {1e12, 1000000000000, 0},
        {-1e12, -1000000000000, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct decimal d = dec(cases[i].d);
        assert_int_equal(d.digits, cases[i].digits);
        assert_int_equal(d.places, cases[i].places);
        struct decimal again = decimal_of(decimal_millionths(d));
        assert_int_equal(again.digits, d.digits);
        assert_int_equal(again.places, d.places);
    }
    static const double refused[] = {
        0.0000001, 1.0000001,           0.1 + 0.2, 1.0 / 3,  1000000000001, 1e12 + 0.5, -1e13,
        1e300,     123456789012.123456, NAN,       INFINITY, -INFINITY,     5e-324,     1e-242,
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct decimal d;
        if (decimal_from_double(refused[i], &d)) fail_msg("%.17g is no decimal of 6 places", refused[i]);
    }
}

static void every_decimal_of_six_places_is_recognised(void **state) {
    (void)state;
    for (int64_t m = -3000000; m <= 3000000; m += 7) {
        struct decimal d = dec((double)m / 1e6);
        assert_int_equal(decimal_millionths(d), m);
    }
    assert_int_equal(decimal_millionths(decimal_int(-3)), -3000000);
    assert_int_equal(decimal_millionths(decimal_of(1150000)), 1150000);
}

static void results_of_expressions_are_rounded_at_six_places(void **state) {
    (void)state;
    static const struct {
        double d;
        int64_t whole, millionths;
    } cases[] = {
        {0, 0, 0},
        {100 * 1.15, 115, 0}, /* the double is 114.99999999999999 */
        {1.0 / 3, 0, 333333},
        {2.0 / 3, 0, 666667},
        {-2.0 / 3, 0, -666667},
        {0.0000005, 0, 1}, /* half away from zero */
        {-0.0000005, 0, -1},
        {0.0000004, 0, 0},
        {123456789012345.5, 123456789012345, 500000},
        {1e15, 1000000000000000, 0},
        {-1e15, -1000000000000000, 0},
        {-1.25, -1, -250000},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        __int128 m;
        assert_true(decimal_round_double(cases[i].d, &m));
        assert_true(m == (__int128)cases[i].whole * 1000000 + cases[i].millionths);
        struct product p = product_of_millionths(m);
        int64_t floor_expected = cases[i].whole - (cases[i].millionths < 0);
        assert_int_equal(floor_of(p), floor_expected);
    }
    static const double refused[] = {1.1e15, -1.1e15, 1e300, NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < COUNT(refused); i++) {
        __int128 m;
        assert_false(decimal_round_double(refused[i], &m));
    }
    assert_int_equal(product_of_millionths(115000000).places, 0);
    assert_int_equal(product_of_millionths(1500000).places, 1);
}

static void overflow_is_sticky_and_bounds_hold(void **state) {
    (void)state;
    int64_t out = 77;
    struct product p = product_of(AMOUNT_MAX);
    product_add(&p, decimal_int(1));
    assert_false(product_floor(&p, &out)); /* beyond ±10^15, though nothing overflowed */
    assert_false(p.overflow);
    product_add(&p, decimal_int(-1));
    assert_int_equal(floor_of(p), AMOUNT_MAX);
    p = product_of(-AMOUNT_MAX);
    product_add(&p, dec(-0.1));
    assert_false(product_floor(&p, &out));

    p = product_of(AMOUNT_MAX);
    for (int i = 0; i < 3; i++) product_multiply(&p, decimal_of(1234567890123456789 / 10));
    assert_true(p.overflow);
    product_multiply(&p, decimal_int(0));
    product_add(&p, decimal_int(5));
    assert_true(p.overflow);
    assert_false(product_floor(&p, &out));
    assert_int_equal(out, 77);

    p = product_of(AMOUNT_MAX); /* adding to many places */
    for (int i = 0; i < 4; i++) product_multiply(&p, dec(0.000001));
    product_add(&p, decimal_int(1));
    assert_int_equal(floor_of(p), 1);
    product_add(&p, decimal_int(AMOUNT_MAX));
    assert_true(p.overflow);
}

static void many_small_factors_end_at_zero(void **state) {
    (void)state;
    struct product p = product_of(1), q = product_of(-1);
    for (int i = 0; i < 39; i++) {
        product_multiply(&p, dec(0.000001));
        product_multiply(&q, dec(0.000001));
    }
    assert_int_equal(floor_of(p), 0);
    assert_int_equal(floor_of(q), -1);
    for (int i = 0; i < 10; i++) product_multiply(&p, dec(0.000001));
    assert_true(p.overflow);
    p = product_of(0);
    for (int i = 0; i < 100; i++) product_multiply(&p, dec(0.000001));
    assert_int_equal(floor_of(p), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_exact_and_floored_once),       cmocka_unit_test(decimals_are_what_was_written),
        cmocka_unit_test(every_decimal_of_six_places_is_recognised), cmocka_unit_test(results_of_expressions_are_rounded_at_six_places),
        cmocka_unit_test(overflow_is_sticky_and_bounds_hold),        cmocka_unit_test(many_small_factors_end_at_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
