/* SPDX-License-Identifier: Apache-2.0 */
/* 2-D convolution, int8, per-channel weights (TFLite CONV_2D).
 *
 * Layout: activations NHWC with batch 1, weights OHWI.  Weights in [-127, 127], zero point 0.
 * The unit of work is one output row from kernel_h input rows, which is what a batch run (rows of a
 * whole tensor) and a streamed run (rows of a ring buffer) have in common.
 */
#ifndef TK_CONV_2D_S8_H
#define TK_CONV_2D_S8_H

#include "tk_common.h"

typedef struct {
    int32_t in_h, in_w, in_c;
    int32_t out_h, out_w, out_c;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t in_zero_point, out_zero_point;
    int32_t out_min, out_max;
    const int8_t *weights;      /* [out_c][kernel_h][kernel_w][in_c] */
    const int32_t *bias;        /* [out_c] */
    const int32_t *multipliers; /* [out_c] */
    const int8_t *shifts;       /* [out_c] */
} tk_conv_2d_s8_params;

/* One output row: rows[k] is the input row (in_w * in_c values) under kernel row k, NULL in the
 * padding; out receives out_w * out_c values.  Scratch: none. */
void tk_conv_2d_s8_row(const tk_conv_2d_s8_params *p, const int8_t *const *rows, int8_t *out);

/* Whole tensor: in [in_h][in_w][in_c], out [out_h][out_w][out_c]; the two must not overlap. */
void tk_conv_2d_s8(const tk_conv_2d_s8_params *p, const int8_t *in, int8_t *out);

#endif
