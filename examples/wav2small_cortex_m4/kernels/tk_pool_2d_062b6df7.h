/* SPDX-License-Identifier: Apache-2.0 */
/* What the windowed pools share.
 *
 * Layout: NHWC with batch 1; input and output share one quantisation.  kernel_h at most
 * TK_MAX_KERNEL_ROWS.
 */
#ifndef TK_POOL_2D_H
#define TK_POOL_2D_H

#include "tk_common_368921da.h"

typedef struct {
    int32_t in_h, in_w, channels;
    int32_t out_h, out_w;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t pad_top, pad_left;
    int32_t out_min, out_max;
} tk_062b6df7_pool_2d_params;

/* A fused activation's limits on an output row, where they are not the type's. */
static inline void tk_062b6df7_pool_2d_clamp_s8(const tk_062b6df7_pool_2d_params *p, int8_t *out) {
    if (p->out_min > INT8_MIN || p->out_max < INT8_MAX) {
        for (int32_t i = 0; i < p->out_w * p->channels; ++i) {
            out[i] = (int8_t)tk_368921da_clamp(out[i], p->out_min, p->out_max);
        }
    }
}

static inline void tk_062b6df7_pool_2d_clamp_s16(const tk_062b6df7_pool_2d_params *p, int16_t *out) {
    if (p->out_min > INT16_MIN || p->out_max < INT16_MAX) {
        for (int32_t i = 0; i < p->out_w * p->channels; ++i) {
            out[i] = (int16_t)tk_368921da_clamp(out[i], p->out_min, p->out_max);
        }
    }
}

#endif
