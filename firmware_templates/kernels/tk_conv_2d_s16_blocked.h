/* SPDX-License-Identifier: Apache-2.0 */
/* 2-D convolution, int16, in plain C for any core: the bits of tk_conv_2d_s16, where every sum
 * stays in 32 bits.
 *
 * Two output pixels at a time: the values under both windows are gathered (those of 1x1 are read
 * where they lie) and every two output channels run over them.
 */
#ifndef TK_CONV_2D_S16_BLOCKED_H
#define TK_CONV_2D_S16_BLOCKED_H

#include "tk_common.h"

typedef struct {
    int32_t in_h, in_w, in_c;
    int32_t out_h, out_w, out_c;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t out_min, out_max;
    const int8_t *weights;     /* [out_c][kernel_h][kernel_w][in_c] */
    const int32_t *requantize; /* [out_c][2]: see tk_dsp_requantize_s16 */
} tk_conv_2d_s16_blocked_params;

/* One output row: rows[k] is the input row under kernel row k, NULL in the padding.  Scratch: 4
 * bytes for each value under the window, aligned to 4. */
void tk_conv_2d_s16_blocked_row(const tk_conv_2d_s16_blocked_params *p, const int16_t *const *rows,
                                int16_t *out, void *scratch);

/* Whole tensor: in [in_h][in_w][in_c], out [out_h][out_w][out_c]; the two must not overlap.
 * Scratch as above. */
void tk_conv_2d_s16_blocked(const tk_conv_2d_s16_blocked_params *p, const int16_t *in, int16_t *out,
                            void *scratch);

#endif
