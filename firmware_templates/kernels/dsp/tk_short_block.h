/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of up to 64 products: all output channels of three pixels, nine sums at a time, with two of
 * the three pixels' values in floating-point registers and the rest on the stack.
 *
 * The stream, in words, with P pairs a sum; w[c][j] is the doubled weights of channel c for pair j,
 * int16, the pair's first value in the low half.  For each three channels c, c + 1, c + 2:
 *     word 0..2: biases     3 + 3 * j + i: w[c + i][j]
 *          3 + 3 * P + 3 * i: multiplier, rounding, shift of channel c + i
 * then for each channel that is left:
 *     word 0: bias     1 + j: w[c][j]     1 + P: multiplier, rounding, shift
 */
#ifndef TK_SHORT_BLOCK_H
#define TK_SHORT_BLOCK_H

#include "tk_dsp_mac.h"

/* Pairs of products in a sum. */
#define TK_SHORT_PAIRS_MAX 32

/* What does not change between the pixels, and where the outputs go. */
typedef struct {
    const uint32_t *stream; /* its records: see tk_dsp_requantize */
    const uint32_t *threes_end, *end;
    int8_t *out;    /* the first pixel's first channel */
    int32_t stride; /* from pixel to pixel */
} tk_short_job;

/* x0, x1, x2: 2 * pairs int8 of each pixel, filled up to a multiple of four.  Of each four values
 * k0..k3 the pairs are (k0, k2) and (k1, k3).  may_be_negative: 0 where the output's zero point is
 * -128, so that rounding of sums below 0 does not matter. */
TK_INLINE void tk_short_block(const int8_t *x0, const int8_t *x1, const int8_t *x2,
                              const tk_short_job *job, int32_t pairs, int32_t may_be_negative);

#if TK_DSP_BLOCKS

#define TK_SHORT_EACH(f)                                                                           \
    f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11) f(12) f(13) f(14) f(15) f(16) f(17)   \
        f(18) f(19) f(20) f(21) f(22) f(23) f(24) f(25) f(26) f(27) f(28) f(29) f(30) f(31) f(32)

#define TK_SHORT_DECLARE(n)                                                                        \
    void tk_short_block_##n(const int8_t *, const int8_t *, const int8_t *, const tk_short_job *); \
    void tk_short_block_##n##_negative(const int8_t *, const int8_t *, const int8_t *,             \
                                       const tk_short_job *);
TK_SHORT_EACH(TK_SHORT_DECLARE)

TK_INLINE void tk_short_block(const int8_t *x0, const int8_t *x1, const int8_t *x2,
                              const tk_short_job *job, int32_t pairs, int32_t may_be_negative) {
    switch (pairs) {
#define TK_SHORT_CASE(n)                                                                           \
    case n:                                                                                        \
        if (may_be_negative) {                                                                     \
            tk_short_block_##n##_negative(x0, x1, x2, job);                                        \
        } else {                                                                                   \
            tk_short_block_##n(x0, x1, x2, job);                                                   \
        }                                                                                          \
        break;
        TK_SHORT_EACH(TK_SHORT_CASE)
#undef TK_SHORT_CASE
    default:
        break;
    }
}

#else

TK_INLINE void tk_short_block(const int8_t *x0, const int8_t *x1, const int8_t *x2,
                              const tk_short_job *job, int32_t pairs, int32_t may_be_negative) {
    const int8_t *const x[3] = {x0, x1, x2};
    const uint32_t *stream = job->stream;
    int8_t *out = job->out;
    while (stream != job->end) {
        const int32_t channels = stream < job->threes_end ? 3 : 1;
        for (int32_t c = 0; c < channels; ++c, ++out) {
            const int32_t *const record =
                (const int32_t *)stream + channels * (1 + pairs) + 3 * c - 1;
            for (int32_t pixel = 0; pixel < 3; ++pixel) {
                int32_t sum = (int32_t)stream[c];
                for (int32_t pair = 0; pair < pairs; ++pair) {
                    const uint32_t four = tk_load32(x[pixel] + pair / 2 * 4);
                    sum = tk_smlad(pair % 2 == 0 ? tk_sxtb16(four) : tk_sxtb16_ror8(four),
                                   stream[channels + channels * pair + c], sum);
                }
                const int32_t sign = may_be_negative ? sum >> 31 : 0;
                const int32_t high = tk_smmlar(sum, record[1], record[2] + sign);
                out[pixel * job->stride] = (int8_t)tk_ssat8(high >> record[3]);
            }
        }
        stream += channels * (1 + pairs + 3);
    }
}

#endif
#endif
