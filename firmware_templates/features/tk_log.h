/* SPDX-License-Identifier: Apache-2.0 */
/* Logarithm without libm: the same bits on every IEEE-754 float32 target and compiler.
 *
 * Compile with -ffp-contract=off, as everything that uses it.
 */
#ifndef TK_LOG_H
#define TK_LOG_H

#include <stdint.h>

/* ln(x) for normal x > 0.
 *
 * x = 2^e * m with m in [sqrt(1/2), sqrt(2)); ln(m) = 2 atanh(s), s = (m - 1) / (m + 1), by its
 * series up to s^9 (|s| <= 0.1716: the rest is below 8e-10).  Error at most 2e-8 plus 2e-7 of the
 * result's magnitude, all roundings included.
 */
static inline float tk_ln(float x) {
    union {
        float value;
        uint32_t bits;
    } number;
    number.value = x;
    /* 0x3F3504F3 is sqrt(1/2): the exponent field counts octaves from there. */
    const uint32_t from_root = number.bits - 0x3F3504F3u;
    const int32_t exponent = (int32_t)((from_root + 0x3F800000u) >> 23) - 127;
    number.bits = (from_root & 0x007FFFFFu) + 0x3F3504F3u;
    const float s = (number.value - 1.0F) / (number.value + 1.0F);
    const float s2 = s * s;
    const float tail =
        s2 * (1.0F / 3.0F + s2 * (1.0F / 5.0F + s2 * (1.0F / 7.0F + s2 * (1.0F / 9.0F))));
    const float ln_mantissa = 2.0F * (s + s * tail);
    return (float)exponent * 0.6931472F + ln_mantissa;
}

#endif
