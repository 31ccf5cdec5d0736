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

#endif
