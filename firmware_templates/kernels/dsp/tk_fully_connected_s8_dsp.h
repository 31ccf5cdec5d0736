/* SPDX-License-Identifier: Apache-2.0 */
/* Dense layer, int8, for cores with 16-bit dual multiply-accumulate: the bits of
 * tk_fully_connected_s8.
 *
 * Four outputs share what is read of the input.  The input's zero point is taken off by the biases.
 */
#ifndef TK_FULLY_CONNECTED_S8_DSP_H
#define TK_FULLY_CONNECTED_S8_DSP_H

#include "tk_common.h"

typedef struct {
    int32_t batches, inputs, outputs;
    int32_t out_min, out_max;
    int32_t weight_bits;     /* 8 or 16 */
    const uint32_t *weights; /* of four inputs, filled up with zeros, a word, or with 16 bits two of
                                doubled weights (k0, k2) and (k1, k3): for each group of four
                                outputs [inputs / 4][4], for those left over likewise */
    const int32_t *requantize; /* [outputs][4]: bias, multiplier, rounding, shift */
} tk_fully_connected_s8_dsp_params;

/* in [batches][inputs], out [batches][outputs]; the two must not overlap.  Scratch: none. */
void tk_fully_connected_s8_dsp(const tk_fully_connected_s8_dsp_params *p, const int8_t *in,
                               int8_t *out);

#endif
