/* SPDX-License-Identifier: Apache-2.0 */
/* Dense layer, int16, for cores with 16-bit dual multiply-accumulate: the bits of
 * tk_fully_connected_s16, where every sum stays in 32 bits.
 *
 * weights: int8, inputs filled up with zeros to fours, of each four {k0, k2, k1, k3}; by four
 * outputs a word of each in turn, likewise those left over.
 */
#ifndef TK_FULLY_CONNECTED_S16_DSP_H
#define TK_FULLY_CONNECTED_S16_DSP_H

#include "tk_common.h"

typedef struct {
    int32_t batches, inputs, outputs;
    int32_t out_min, out_max;
    const uint32_t *weights;
    const int32_t *requantize; /* [outputs][2]: see tk_dsp_requantize_s16 */
} tk_fully_connected_s16_dsp_params;

/* in [batches][inputs], out [batches][outputs]; the two must not overlap.  Scratch: none. */
void tk_fully_connected_s16_dsp(const tk_fully_connected_s16_dsp_params *p, const int16_t *in,
                                int16_t *out);

#endif
