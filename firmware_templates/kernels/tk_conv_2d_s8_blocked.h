/* SPDX-License-Identifier: Apache-2.0 */
/* 2-D convolution, int8, in plain C for any core: the bits of tk_conv_2d_s8.
 *
 * Two output pixels at a time: the values under both windows are gathered into words (tk_blocked.h)
 * and every two output channels run over them.  A pixel that is left over is gathered by itself.
 * Padding is the input's zero point, whose product with the weights the biases have taken off.
 */
#ifndef TK_CONV_2D_S8_BLOCKED_H
#define TK_CONV_2D_S8_BLOCKED_H

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
    const int8_t *weights;     /* [out_c][kernel_h][kernel_w][in_c] */
    const int32_t *requantize; /* [out_c][4]: see tk_blocked_finish */
} tk_conv_2d_s8_blocked_params;

/* One output row: rows[k] is the input row under kernel row k, NULL in the padding.  Scratch: a
 * word for each value under the window, aligned to 4 bytes. */
void tk_conv_2d_s8_blocked_row(const tk_conv_2d_s8_blocked_params *p, const int8_t *const *rows,
                               int8_t *out, void *scratch);

/* Whole tensor: in [in_h][in_w][in_c], out [out_h][out_w][out_c]; the two must not overlap.
 * Scratch as above. */
void tk_conv_2d_s8_blocked(const tk_conv_2d_s8_blocked_params *p, const int8_t *in, int8_t *out,
                           void *scratch);

#endif
