/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix product of two activations, int8 (TFLite BATCH_MATMUL): out = x * y for every batch.
 *
 * Operands are addressed by strides in elements, which covers transposed operands (adj_x, adj_y)
 * and, with a batch stride of 0, one operand shared by all batches.
 */
#ifndef TK_BATCH_MATMUL_S8_H
#define TK_BATCH_MATMUL_S8_H

#include "tk_common.h"

typedef struct {
    int32_t batches, rows, depth, columns;
    int32_t x_batch_stride, x_row_stride, x_depth_stride;
    int32_t y_batch_stride, y_column_stride, y_depth_stride;
    int32_t x_zero_point, y_zero_point, out_zero_point;
    int32_t multiplier, shift;
} tk_batch_matmul_s8_params;

/* out [batches][rows][columns], apart from x and y, which may be the same tensor. */
void tk_batch_matmul_s8(const tk_batch_matmul_s8_params *p, const int8_t *x, const int8_t *y,
                        int8_t *out);

#endif
