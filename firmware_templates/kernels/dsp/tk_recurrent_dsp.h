/* SPDX-License-Identifier: Apache-2.0 */
/* Products of an int16 vector with int8 weights of several rows, by dual multiply-accumulate.
 *
 * Weights: for every four values a word of each row, bytes in the order 0, 2, 1, 3, so that two
 * SXTB16 make pairs of them.
 */
#ifndef TK_RECURRENT_DSP_H
#define TK_RECURRENT_DSP_H

#include "tk_dsp.h"

/* Adds to the sums of `rows` rows (4 or 3) the products of `values`, a multiple of four. */
TK_INLINE void tk_recurrent_words(int32_t *sums, const int16_t *x, const int8_t *weights,
                                  int32_t values, int32_t rows) {
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = rows == 4 ? sums[3] : 0;
    const int16_t *const end = x + values;
    for (; x != end; x += 4, weights += 4 * rows) {
        const uint32_t a = tk_load32(x), b = tk_load32(x + 2);
        const uint32_t w0 = tk_load32(weights), w1 = tk_load32(weights + 4);
        const uint32_t w2 = tk_load32(weights + 8);
        s0 = tk_smlad(b, tk_sxtb16_ror8(w0), tk_smlad(a, tk_sxtb16(w0), s0));
        s1 = tk_smlad(b, tk_sxtb16_ror8(w1), tk_smlad(a, tk_sxtb16(w1), s1));
        s2 = tk_smlad(b, tk_sxtb16_ror8(w2), tk_smlad(a, tk_sxtb16(w2), s2));
        if (rows == 4) {
            const uint32_t w3 = tk_load32(weights + 12);
            s3 = tk_smlad(b, tk_sxtb16_ror8(w3), tk_smlad(a, tk_sxtb16(w3), s3));
        }
    }
    sums[0] = s0, sums[1] = s1, sums[2] = s2;
    if (rows == 4) {
        sums[3] = s3;
    }
}

#endif
