/* SPDX-License-Identifier: Apache-2.0 */
/* Dense layer, int8 activations and weights, int32 bias (TFLite FULLY_CONNECTED).
 *
 * Weights have zero point 0; each output has its own requantisation.
 */
#ifndef TK_FULLY_CONNECTED_S8_H
#define TK_FULLY_CONNECTED_S8_H

#include "tk_common.h"

typedef struct {
    int32_t batches, inputs, outputs;
    int32_t in_zero_point, out_zero_point;
    int32_t out_min, out_max;
    const int8_t *weights;      /* [outputs][inputs] */
    const int32_t *bias;        /* [outputs] */
    const int32_t *multipliers; /* [outputs] */
    const int8_t *shifts;       /* [outputs] */
} tk_fully_connected_s8_params;

/* in [batches][inputs], out [batches][outputs]; the two must not overlap.  Scratch: none. */
void tk_fully_connected_s8(const tk_fully_connected_s8_params *p, const int8_t *in, int8_t *out);

#endif
