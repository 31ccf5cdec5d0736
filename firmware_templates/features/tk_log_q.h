/* SPDX-License-Identifier: Apache-2.0 */
/* Logarithms of floored energies in integers. */
#ifndef TK_LOG_Q_H
#define TK_LOG_Q_H

#include "tk_number_q.h"

/* log2(1 + n / 128) in 2^-16. */
extern const uint32_t tk_logarithms[129];

/* log2 in 2^-16 of a number that is not 0, within 2^-16. */
static inline int32_t tk_log2(tk_number number) {
    const uint32_t fraction = number.mantissa << 1; /* less the leading one */
    const uint32_t segment = fraction >> 25;
    const uint32_t start = tk_logarithms[segment];
    const uint32_t rise = tk_logarithms[segment + 1] - start;
    const uint32_t within = (rise * ((fraction >> 9) & 0xFFFFu) + 0x8000u) >> 16;
    return (number.exponent + 31) * 65536 + (int32_t)(start + within);
}

static inline tk_number tk_floored(tk_number energy) {
    const tk_number least = {FEATURES_FLOOR_MANTISSA, FEATURES_FLOOR_EXPONENT};
#ifdef FEATURES_FLOOR_ADDED
    return tk_number_add(energy, least);
#else
    const int smaller = energy.mantissa == 0 || energy.exponent < least.exponent ||
                        (energy.exponent == least.exponent && energy.mantissa < least.mantissa);
    return smaller ? least : energy;
#endif
}

/* log2 in 2^-16 of an energy with its floor. */
static inline int32_t tk_log2_floored(tk_number energy) {
    return tk_log2(tk_floored(energy));
}

#endif
