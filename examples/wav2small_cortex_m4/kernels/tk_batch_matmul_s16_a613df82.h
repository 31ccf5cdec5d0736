/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix product of two activations, int16, zero points 0 (TFLite BATCH_MATMUL): as
 * tk_1867306d_batch_matmul_s8, with int64 accumulators and single rounding. */
#ifndef TK_BATCH_MATMUL_S16_H
#define TK_BATCH_MATMUL_S16_H

#include "tk_common_368921da.h"

typedef struct {
    int32_t batches, rows, depth, columns;
    int32_t x_batch_stride, x_row_stride, x_depth_stride;
    int32_t y_batch_stride, y_column_stride, y_depth_stride;
    int32_t multiplier, shift;
} tk_a613df82_batch_matmul_s16_params;

/* out [batches][rows][columns], apart from x and y, which may be the same tensor. */
void tk_a613df82_batch_matmul_s16(const tk_a613df82_batch_matmul_s16_params *p, const int16_t *x, const int16_t *y,
                         int16_t *out);

#endif
