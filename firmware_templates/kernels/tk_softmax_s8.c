/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_softmax_s8.h"

/* Integer bits of the sum of exponentials. */
#define SUM_BITS 12

/* Saturating x * 2^bits. */
static int32_t shift_left(int32_t x, int32_t bits) {
    const int64_t wide = (int64_t)x * (1 << bits);
    return wide > INT32_MAX ? INT32_MAX : (wide < INT32_MIN ? INT32_MIN : (int32_t)wide);
}

/* 1 / (1 + x) for x in [0, 1), both with 31 fractional bits: three Newton-Raphson steps on 29. */
static int32_t one_over_one_plus_x(int32_t x) {
    const int32_t half_denominator = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
    int32_t estimate = 1515870810 + tk_high_mul(half_denominator, -1010580540); /* 48/17, -32/17 */
    for (int32_t step = 0; step < 3; ++step) {
        const int32_t error = (1 << 29) - tk_high_mul(half_denominator, estimate);
        estimate += shift_left(tk_high_mul(estimate, error), 2);
    }
    return shift_left(estimate, 1);
}

static void softmax_row(const tk_softmax_s8_params *p, const int8_t *in, int8_t *out) {
    int32_t largest = in[0];
    for (int32_t i = 1; i < p->depth; ++i) {
        largest = in[i] > largest ? in[i] : largest;
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < p->depth; ++i) {
        sum += tk_divide_by_pot(p->exp_table[largest - in[i]], SUM_BITS);
    }
    int32_t headroom = 0; /* leading zeros */
    while (((uint32_t)sum << headroom & 0x80000000u) == 0) {
        ++headroom;
    }
    const int32_t reciprocal =
        one_over_one_plus_x((int32_t)(((uint32_t)sum << headroom) & 0x7FFFFFFFu));
    const int32_t exponent = SUM_BITS - headroom + 31 - 8;
    for (int32_t i = 0; i < p->depth; ++i) {
        const int32_t product = tk_high_mul(reciprocal, p->exp_table[largest - in[i]]);
        out[i] = (int8_t)tk_clamp(tk_divide_by_pot(product, exponent) - 128, -128, 127);
    }
}

void tk_softmax_s8(const tk_softmax_s8_params *p, const int8_t *in, int8_t *out) {
    for (int32_t row = 0; row < p->rows; ++row, in += p->depth, out += p->depth) {
        softmax_row(p, in, out);
    }
}
