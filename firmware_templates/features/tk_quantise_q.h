/* SPDX-License-Identifier: Apache-2.0 */
/* Fixed-point features to the int8 of the model's input. */
#ifndef TK_QUANTISE_Q_H
#define TK_QUANTISE_Q_H

#include <stdint.h>

/* floor(value / 2^fraction + 1/2) + zero point, clamped to int8; `value` is a feature over the
 * input's scale, within 2^61. */
static inline int8_t tk_quantise_q(int64_t value, int32_t fraction) {
    const int32_t shift = fraction > 1 ? fraction - 1 : 0; /* no fraction: beyond int8 anyway */
    const int64_t steps = shift < 62 ? ((value >> shift) + 1) >> 1 : 0;
    const int64_t least = -128 - FEATURES_ZERO_POINT;
    const int64_t most = 127 - FEATURES_ZERO_POINT;
    const int64_t limited = steps < least ? least : steps > most ? most : steps;
    return (int8_t)(limited + FEATURES_ZERO_POINT);
}

/* The value of a row: int8, or steps in 2^-16 where rows are kept. */
static inline tk_value tk_rounded_q(int64_t value, int32_t fraction) {
#ifdef FEATURES_KEPT
    const int32_t shift = fraction - 16;
    const int64_t most = (int64_t)INT32_MAX >> (shift < 0 ? -shift : 0);
    const int64_t steps = shift > 0 ? value >> shift : value;
    const int64_t limited = steps > most ? most : steps < -most ? -most : steps;
    return (tk_value)(shift < 0 ? limited * (INT64_C(1) << -shift) : limited);
#else
    return tk_quantise_q(value, fraction);
#endif
}

#endif
