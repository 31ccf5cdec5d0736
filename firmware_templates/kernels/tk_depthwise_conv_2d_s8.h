/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise 2-D convolution, int8, per-channel weights (TFLite DEPTHWISE_CONV_2D).
 *
 * Layout: activations NHWC with batch 1, weights 1HWO; output channel c * depth_multiplier + m
 * reads input channel c.  Weights in [-127, 127], zero point 0; kernel_h at most
 * TK_MAX_KERNEL_ROWS.
 */
#ifndef TK_DEPTHWISE_CONV_2D_S8_H
#define TK_DEPTHWISE_CONV_2D_S8_H

#include "tk_common.h"

typedef struct {
    int32_t in_h, in_w, in_c;
    int32_t out_h, out_w;
    int32_t depth_multiplier;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t in_zero_point, out_zero_point;
    int32_t out_min, out_max;
    const int8_t *weights;      /* [kernel_h][kernel_w][in_c * depth_multiplier] */
    const int32_t *bias;        /* [in_c * depth_multiplier] */
    const int32_t *multipliers; /* [in_c * depth_multiplier] */
    const int8_t *shifts;       /* [in_c * depth_multiplier] */
} tk_depthwise_conv_2d_s8_params;

/* One output row: rows[k] is the input row (in_w * in_c values) under kernel row k, NULL in the
 * padding; out receives out_w * in_c * depth_multiplier values.  Scratch: none. */
void tk_depthwise_conv_2d_s8_row(const tk_depthwise_conv_2d_s8_params *p, const int8_t *const *rows,
                                 int8_t *out);

/* Whole tensor: in [in_h][in_w][in_c], out [out_h][out_w][in_c * depth_multiplier]; the two must
 * not overlap. */
void tk_depthwise_conv_2d_s8(const tk_depthwise_conv_2d_s8_params *p, const int8_t *in,
                             int8_t *out);

#endif
