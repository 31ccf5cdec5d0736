/* SPDX-License-Identifier: Apache-2.0 */
/* Integers with an exponent: what fixed-point features use where numbers span many octaves. */
#ifndef TK_NUMBER_Q_H
#define TK_NUMBER_Q_H

#include <stdint.h>

#include "tk_compiler.h"

/* mantissa * 2^exponent; the mantissa is 0 or has its highest bit set. */
typedef struct tk_number {
    uint32_t mantissa;
    int32_t exponent;
} tk_number;

/* value * 2^exponent, rounded down to 32 bits. */
static inline tk_number tk_number_from(uint64_t value, int32_t exponent) {
    tk_number number = {0, 0};
    if (value != 0) {
        const int32_t zeros = tk_leading_zeros_64(value);
        number.mantissa = (uint32_t)(value << zeros >> 32);
        number.exponent = exponent + 32 - zeros;
    }
    return number;
}

static inline tk_number tk_number_multiply(tk_number a, tk_number b) {
    return tk_number_from((uint64_t)a.mantissa * b.mantissa, a.exponent + b.exponent);
}

static inline tk_number tk_number_add(tk_number a, tk_number b) {
    const tk_number high = a.exponent >= b.exponent ? a : b;
    const tk_number low = a.exponent >= b.exponent ? b : a;
    const int32_t apart = high.exponent - low.exponent;
    if (low.mantissa == 0 || high.mantissa == 0) {
        return a.mantissa == 0 ? b : a;
    }
    return tk_number_from((uint64_t)high.mantissa + (apart < 32 ? low.mantissa >> apart : 0),
                          high.exponent);
}

static inline tk_number tk_number_larger(tk_number a, tk_number b) {
    const int smaller =
        a.mantissa == 0 ||
        (b.mantissa != 0 &&
         (a.exponent < b.exponent || (a.exponent == b.exponent && a.mantissa < b.mantissa)));
    return smaller ? b : a;
}

/* The bits of the float32 next below; 0 for what is smaller than normal ones. */
static inline uint32_t tk_number_bits(tk_number number) {
    const int32_t octave = number.exponent + 31;
    if (number.mantissa == 0 || octave < -126) {
        return 0;
    }
    if (octave > 127) {
        return 0x7F7FFFFFu;
    }
    return ((uint32_t)(octave + 127) << 23) | ((number.mantissa >> 8) & 0x7FFFFFu);
}

/* Square root within a relative 2^-17: its 16 highest bits. */
static inline tk_number tk_number_sqrt(tk_number number) {
    if (number.mantissa == 0) {
        return number;
    }
    const int32_t odd = number.exponent & 1;
    uint32_t rest = number.mantissa >> odd;
    uint32_t root = 0;
    for (uint32_t bit = 1u << 30; bit != 0; bit >>= 2) {
        const uint32_t trial = root + bit;
        root >>= 1;
        if (rest >= trial) {
            rest -= trial;
            root += bit;
        }
    }
    root += rest > root; /* to nearest */
    return tk_number_from(root, (number.exponent + odd) / 2);
}

#endif
