/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_batch_matmul_s8.h"

static int32_t dot(const tk_batch_matmul_s8_params *p, const int8_t *x, const int8_t *y) {
    int32_t acc = 0;
    for (int32_t k = 0; k < p->depth; ++k) {
        acc += (x[k * p->x_depth_stride] - p->x_zero_point) *
               (y[k * p->y_depth_stride] - p->y_zero_point);
    }
    return acc;
}

void tk_batch_matmul_s8(const tk_batch_matmul_s8_params *p, const int8_t *x, const int8_t *y,
                        int8_t *out) {
    for (int32_t b = 0; b < p->batches; ++b, x += p->x_batch_stride, y += p->y_batch_stride) {
        for (int32_t row = 0; row < p->rows; ++row) {
            for (int32_t column = 0; column < p->columns; ++column) {
                const int32_t acc =
                    dot(p, x + row * p->x_row_stride, y + column * p->y_column_stride);
                const int32_t v = tk_requantize(acc, p->multiplier, p->shift) + p->out_zero_point;
                *out++ = (int8_t)tk_clamp(v, INT8_MIN, INT8_MAX);
            }
        }
    }
}
