/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax over the innermost axis, int16 (TFLite SOFTMAX): output scale 1/32768, zero points 0.
 *
 * Exponential and reciprocal come from tables of 513 entries with linear interpolation.
 */
#ifndef TK_SOFTMAX_S16_H
#define TK_SOFTMAX_S16_H

#include "tk_common.h"

typedef struct {
    int32_t rows, depth;             /* depth at most 2^16 */
    int32_t multiplier, shift;       /* beta * input scale * 65535 / 10 */
    const int16_t *exp_table;        /* [513], exp(x) for x in [-10, 0], Q0.15 */
    const int16_t *reciprocal_table; /* [513], 1 / (1 + x) for x in [0, 1], Q0.15 */
} tk_softmax_s16_params;

/* in and out [rows][depth]; they may be the same buffer. */
void tk_softmax_s16(const tk_softmax_s16_params *p, const int16_t *in, int16_t *out);

#endif
