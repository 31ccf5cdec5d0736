/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_softmax_s8.h"

#include "tk_newton.h"

/* Integer bits of the sum of exponentials. */
#define SUM_BITS 12

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
        tk_one_over_one_plus_x((int32_t)(((uint32_t)sum << headroom) & 0x7FFFFFFFu));
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
