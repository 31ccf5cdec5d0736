/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise 2-D convolution, int8, in plain C for any core: the bits of tk_depthwise_conv_2d_s8.
 *
 * 3x3 without dilation: two pixels at a time, from columns that are gathered where some lie in the
 * padding.  Else pixel by pixel: every tap is a pixel of the input, or one of zero points.  Padding
 * is the input's zero point, whose product with the weights the biases have taken off.
 */
#ifndef TK_DEPTHWISE_CONV_2D_S8_BLOCKED_H
#define TK_DEPTHWISE_CONV_2D_S8_BLOCKED_H

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
    const int8_t *weights;     /* [in_c * depth_multiplier][kernel_h][kernel_w] */
    const int32_t *requantize; /* [in_c * depth_multiplier][4]: see tk_blocked_finish */
} tk_depthwise_conv_2d_s8_blocked_params;

/* One output row: rows[k] is the input row under kernel row k, NULL in the padding.  Scratch: 8
 * bytes a tap and one a channel, or for 3x3 9 + 3 * stride_w bytes a channel; aligned to 8. */
void tk_depthwise_conv_2d_s8_blocked_row(const tk_depthwise_conv_2d_s8_blocked_params *p,
                                         const int8_t *const *rows, int8_t *out, void *scratch);

/* Whole tensor: in [in_h][in_w][in_c], out [out_h][out_w][in_c * depth_multiplier]; the two must
 * not overlap.  Scratch as above. */
void tk_depthwise_conv_2d_s8_blocked(const tk_depthwise_conv_2d_s8_blocked_params *p,
                                     const int8_t *in, int8_t *out, void *scratch);

#endif
