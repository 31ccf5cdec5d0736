/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_softmax_s8.h"

#include "tk_dsp.h"
#include "tk_newton.h"

/* Integer bits of the sum of exponentials. */
#define SUM_BITS 12

static int32_t maximum(const int8_t *in, int32_t count) {
    int32_t largest = INT8_MIN, i = 0;
#if TK_DSP_INSTRUCTIONS
    uint32_t four = 0x80808080u; /* the least */
    for (; i + 4 <= count; i += 4) {
        four = tk_larger8(four, tk_load32(in + i));
    }
    four = tk_larger8(four, four >> 16 | 0x80800000u);
    largest = (int8_t)(uint8_t)tk_larger8(four, four >> 8);
#endif
    for (; i < count; ++i) {
        largest = in[i] > largest ? in[i] : largest;
    }
    return largest;
}

/* No exponential is negative, so that rounding is an addition. */
static void softmax_row(const tk_softmax_s8_params *p, const int8_t *in, int8_t *out) {
    const int32_t largest = maximum(in, p->depth);
    uint32_t sum = 0;
    for (int32_t i = 0; i < p->depth; ++i) {
        sum += ((uint32_t)p->exp_table[largest - in[i]] + (1u << (SUM_BITS - 1))) >> SUM_BITS;
    }
    const int32_t headroom = tk_leading_zeros(sum); /* 4 to 12: the largest's own share is 2^19 */
    const int32_t reciprocal = tk_one_over_one_plus_x((int32_t)((sum << headroom) & 0x7FFFFFFFu));
    const int32_t exponent = SUM_BITS - headroom + 31 - 8;
    const uint32_t half = 1u << (exponent - 1);
    for (int32_t i = 0; i < p->depth; ++i) {
        const int32_t product = tk_high_mul_in_range(reciprocal, p->exp_table[largest - in[i]]);
        const uint32_t share = ((uint32_t)product + half) >> exponent;
        out[i] = (int8_t)((share > 255 ? 255 : (int32_t)share) - 128);
    }
}

void tk_softmax_s8(const tk_softmax_s8_params *p, const int8_t *in, int8_t *out) {
    for (int32_t row = 0; row < p->rows; ++row, in += p->depth, out += p->depth) {
        softmax_row(p, in, out);
    }
}
