/* SPDX-License-Identifier: Apache-2.0 */
/* Square roots without libm: the same bits on every IEEE-754 float32 target and compiler.
 *
 * Compile with -ffp-contract=off, as everything that uses it.
 */
#ifndef WAV2SMALL_TK_SQRT_H
#define WAV2SMALL_TK_SQRT_H

#include <stdint.h>

/* 1 / sqrt(x) within a relative 2.5e-7 for normal x > 0; finite for any x >= 0.  Newton's iteration
 * from a guess that halves the exponent: errors of 3.4e-2, 1.8e-3, 4.7e-6, then rounding's. */
static inline float wav2small_tk_inverse_sqrt(float x) {
    union {
        float value;
        uint32_t bits;
    } number;
    number.value = x;
    number.bits = 0x5F3759DFu - (number.bits >> 1);
    float y = number.value;
    const float half = 0.5F * x;
    for (uint32_t i = 0; i < 3; i++) {
        y = y * (1.5F - half * y * y);
    }
    return y;
}

/* sqrt(x) for normal x and 0; what is smaller than normal gives less than 2e-19. */
static inline float wav2small_tk_sqrt(float x) {
    return x * wav2small_tk_inverse_sqrt(x);
}

#endif
