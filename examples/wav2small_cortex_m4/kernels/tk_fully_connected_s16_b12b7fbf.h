/* SPDX-License-Identifier: Apache-2.0 */
/* Dense layer, int16 activations, int8 weights, int64 bias (TFLite FULLY_CONNECTED).
 *
 * Weights have zero point 0; each output has its own requantisation; accumulators stay below 2^47.
 */
#ifndef TK_FULLY_CONNECTED_S16_H
#define TK_FULLY_CONNECTED_S16_H

#include "tk_common_89560e01.h"

typedef struct {
    int32_t batches, inputs, outputs;
    int32_t in_zero_point, out_zero_point;
    int32_t out_min, out_max;
    const int8_t *weights;      /* [outputs][inputs] */
    const int64_t *bias;        /* [outputs] */
    const int32_t *multipliers; /* [outputs] */
    const int8_t *shifts;       /* [outputs], at most 6 */
} tk_b12b7fbf_fully_connected_s16_params;

/* in [batches][inputs], out [batches][outputs]; the two must not overlap.  Scratch: none. */
void tk_b12b7fbf_fully_connected_s16(const tk_b12b7fbf_fully_connected_s16_params *p, const int16_t *in,
                            int16_t *out);

#endif
