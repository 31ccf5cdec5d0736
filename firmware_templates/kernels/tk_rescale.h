/* SPDX-License-Identifier: Apache-2.0 */
/* Rescaling of many values by one multiplier: what tk_requantize works out each time is worked out
 * once.
 */
#ifndef TK_RESCALE_H
#define TK_RESCALE_H

#include "tk_dsp.h"

/* tk_requantize by a shift to the right, what it takes worked out before a loop. */
typedef struct {
    int32_t multiplier, rounding, sign, shift;
} tk_rescale;

/* Whether a shift suits tk_rescale: then no sum of a value up to 2^30 and the rounding overflows.
 */
TK_INLINE int32_t tk_is_rescale(int32_t shift) {
    return shift <= 0 && shift >= -30;
}

TK_INLINE tk_rescale tk_rescale_of(int32_t multiplier, int32_t shift) {
    const tk_rescale rescale = {multiplier, shift < 0 ? 1 << (-shift - 1) : 0, shift < 0 ? -1 : 0,
                                -shift};
    return rescale;
}

/* A product by the multiplier, rounded, divided by 2^shift to nearest, ties away from zero. */
TK_INLINE int32_t tk_rescale_shifted(tk_rescale rescale, int32_t v) {
    return (v + rescale.rounding + ((v >> 31) & rescale.sign)) >> rescale.shift;
}

/* tk_requantize of a value in [-2^30, 2^30). */
TK_INLINE int32_t tk_rescaled(tk_rescale rescale, int32_t acc) {
    return tk_rescale_shifted(rescale, tk_smmulr(2 * acc, rescale.multiplier));
}

/* The same of any value that tk_high_mul_in_range takes. */
TK_INLINE int32_t tk_rescaled_in_range(tk_rescale rescale, int32_t acc) {
    return tk_rescale_shifted(rescale, tk_high_mul_in_range(acc, rescale.multiplier));
}

#endif
