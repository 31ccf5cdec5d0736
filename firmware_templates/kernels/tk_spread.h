/* SPDX-License-Identifier: Apache-2.0 */
/* Variances from exact sums, in 64 bits, and what is made of them. */
#ifndef TK_SPREAD_H
#define TK_SPREAD_H

#include "tk_common.h"

#define TK_SPREAD_FRACTION_BITS 16
#define TK_SPREAD_VARIANCE_BITS 12

/* Floor of a / b, b positive. */
static inline int64_t tk_spread_divide(int64_t a, int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

/* Variance of `count` values (or their weights) with these sums, 16 fractional bits: about the
 * nearest whole number to the mean, so that nearly equal squares do not meet. */
static inline int64_t tk_spread_variance(int64_t count, int64_t sum, int64_t squares) {
    const int64_t one = INT64_C(1) << TK_SPREAD_FRACTION_BITS;
    const int64_t middle = tk_spread_divide(2 * sum + count, 2 * count);
    const int64_t about = squares - 2 * middle * sum + middle * middle * count;
    const int64_t mean = tk_spread_divide((sum - middle * count) * one, count);
    const int64_t v = about / count * one + about % count * one / count - mean * mean / one;
    return v < 0 ? 0 : v;
}

/* Integer square root of a value below 2^52, floored, bit by bit. */
static inline int32_t tk_spread_root(int64_t value) {
    int64_t root = 0;
    for (int64_t bit = INT64_C(1) << 50; bit > 0; bit >>= 2) {
        if (value >= root + bit) {
            value -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return (int32_t)root;
}

/* A variance, at least `least`, with 12 fractional bits, or its root with 16. */
static inline int32_t tk_spread_made(int64_t variance, int32_t least, int32_t root) {
    const int64_t v = variance < least ? least : variance;
    return root ? tk_spread_root(v << TK_SPREAD_FRACTION_BITS)
                : (int32_t)(v >> (TK_SPREAD_FRACTION_BITS - TK_SPREAD_VARIANCE_BITS));
}

static inline void tk_spread_store(void *out, int32_t i, int32_t element_bytes, int32_t q) {
    if (element_bytes == 1) {
        ((int8_t *)out)[i] = (int8_t)tk_clamp(q, INT8_MIN, INT8_MAX);
    } else {
        ((int16_t *)out)[i] = (int16_t)tk_clamp(q, INT16_MIN, INT16_MAX);
    }
}

#endif
