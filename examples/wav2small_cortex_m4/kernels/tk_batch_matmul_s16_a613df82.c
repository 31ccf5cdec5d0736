/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_batch_matmul_s16_a613df82.h"

static int64_t dot(const tk_a613df82_batch_matmul_s16_params *p, const int16_t *x, const int16_t *y) {
    int64_t acc = 0;
    for (int32_t k = 0; k < p->depth; ++k) {
        acc += (int32_t)x[k * p->x_depth_stride] * y[k * p->y_depth_stride];
    }
    return acc;
}

void tk_a613df82_batch_matmul_s16(const tk_a613df82_batch_matmul_s16_params *p, const int16_t *x, const int16_t *y,
                         int16_t *out) {
    for (int32_t b = 0; b < p->batches; ++b, x += p->x_batch_stride, y += p->y_batch_stride) {
        for (int32_t row = 0; row < p->rows; ++row) {
            for (int32_t column = 0; column < p->columns; ++column) {
                const int64_t acc =
                    dot(p, x + row * p->x_row_stride, y + column * p->y_column_stride);
                const int32_t v = tk_368921da_requantize_int64(acc, p->multiplier, p->shift);
                *out++ = (int16_t)tk_368921da_clamp(v, INT16_MIN, INT16_MAX);
            }
        }
    }
}
