/* Compares tk_ln with libm's double log for every float32 mantissa at several exponents, and at
 * the edges of the range. Prints: worst error beyond the bound (negative: the bound holds), worst
 * error for 1e-17 <= x <= 1e6, and tk_ln(1); all in units of the natural logarithm. */
#include "tk_log.h"

#include <math.h>
#include <stdio.h>

static double beyond_bound = -1.0;
static double worst_audio = 0.0;

static void check(uint32_t bits) {
    union {
        uint32_t bits;
        float value;
    } number;
    number.bits = bits;
    const double exact = log((double)number.value);
    const double error = fabs((double)tk_ln(number.value) - exact);
    const double beyond = error - (2e-8 + 2e-7 * fabs(exact));
    beyond_bound = beyond > beyond_bound ? beyond : beyond_bound;
    if (number.value >= 1e-17F && number.value <= 1e6F && error > worst_audio) {
        worst_audio = error;
    }
}

int main(void) {
    static const uint32_t exponents[] = {1, 70, 94, 110, 126, 127, 128, 147, 254};
    for (uint32_t i = 0; i < sizeof exponents / sizeof exponents[0]; i++) {
        for (uint32_t mantissa = 0; mantissa < (1u << 23); mantissa++) {
            check((exponents[i] << 23) | mantissa);
        }
    }
    for (uint32_t exponent = 1; exponent < 255; exponent++) {
        for (uint32_t mantissa = 0; mantissa < (1u << 23); mantissa += 4093) {
            check((exponent << 23) | mantissa);
        }
    }
    printf("%.9g %.9g %.9g\n", beyond_bound, worst_audio, (double)tk_ln(1.0F));
    return 0;
}
