/* SPDX-License-Identifier: Apache-2.0 */
/* 2-D convolution, int16 activations, per-channel int8 weights, int64 bias (TFLite CONV_2D).
 *
 * Layout: activations NHWC with batch 1, weights OHWI.  Weights in [-127, 127], zero point 0, as
 * the activations have; accumulators stay below 2^47.
 *
 * The unit of work is one output row from kernel_h input rows, which is what a batch run (rows of a
 * whole tensor) and a streamed run (rows of a ring buffer) have in common.
 */
#ifndef TK_CONV_2D_S16_H
#define TK_CONV_2D_S16_H

#include "tk_common.h"

typedef struct {
    int32_t in_h, in_w, in_c;
    int32_t out_h, out_w, out_c;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t out_min, out_max;
    const int8_t *weights;      /* [out_c][kernel_h][kernel_w][in_c] */
    const int64_t *bias;        /* [out_c] */
    const int32_t *multipliers; /* [out_c] */
    const int8_t *shifts;       /* [out_c], at most 6 */
} tk_conv_2d_s16_params;

/* One output row: rows[k] is the input row (in_w * in_c values) under kernel row k, NULL in the
 * padding; out receives out_w * out_c values.  Scratch: none. */
void tk_conv_2d_s16_row(const tk_conv_2d_s16_params *p, const int16_t *const *rows, int16_t *out);

/* Whole tensor: in [in_h][in_w][in_c], out [out_h][out_w][out_c]; the two must not overlap. */
void tk_conv_2d_s16(const tk_conv_2d_s16_params *p, const int16_t *in, int16_t *out);

#endif
