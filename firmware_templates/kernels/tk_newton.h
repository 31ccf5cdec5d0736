/* SPDX-License-Identifier: Apache-2.0 */
/* A reciprocal in fixed point, as TFLM's reference kernels compute it. */
#ifndef TK_NEWTON_H
#define TK_NEWTON_H

#include "tk_common.h"

/* Saturating x * 2^bits. */
static inline int32_t tk_shift_left(int32_t x, int32_t bits) {
    const int64_t wide = (int64_t)x * (1 << bits);
    return wide > INT32_MAX ? INT32_MAX : (wide < INT32_MIN ? INT32_MIN : (int32_t)wide);
}

/* 1 / (1 + x) for x in [0, 1), both with 31 fractional bits: three Newton-Raphson steps on 29. */
static inline int32_t tk_one_over_one_plus_x(int32_t x) {
    const int32_t half_denominator = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
    int32_t estimate = 1515870810 + tk_high_mul(half_denominator, -1010580540); /* 48/17, -32/17 */
    for (int32_t step = 0; step < 3; ++step) {
        const int32_t error = (1 << 29) - tk_high_mul(half_denominator, estimate);
        estimate += tk_shift_left(tk_high_mul(estimate, error), 2);
    }
    return tk_shift_left(estimate, 1);
}

#endif
