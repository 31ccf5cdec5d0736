/* SPDX-License-Identifier: Apache-2.0 */
/* Dense layer, int8, in plain C for any core: the bits of tk_fully_connected_s8.
 *
 * A few outputs at a time; the input's zero point has been taken off by the biases.
 */
#ifndef TK_FULLY_CONNECTED_S8_BLOCKED_H
#define TK_FULLY_CONNECTED_S8_BLOCKED_H

#include "tk_common.h"

typedef struct {
    int32_t batches, inputs, outputs;
    int32_t out_min, out_max;
    const int8_t *weights;     /* [outputs][inputs] */
    const int32_t *requantize; /* [outputs][4]: see tk_blocked_finish */
} tk_fully_connected_s8_blocked_params;

/* in [batches][inputs], out [batches][outputs]; the two must not overlap.  Scratch: none. */
void tk_fully_connected_s8_blocked(const tk_fully_connected_s8_blocked_params *p, const int8_t *in,
                                   int8_t *out);

#endif
