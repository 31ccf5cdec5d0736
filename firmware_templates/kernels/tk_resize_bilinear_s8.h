/* SPDX-License-Identifier: Apache-2.0 */
/* Bilinear interpolation of height and width, int8 (TFLite RESIZE_BILINEAR).
 *
 * Each row and column made lies between two of the input, low and high, part / 1024 behind low.
 */
#ifndef TK_RESIZE_BILINEAR_S8_H
#define TK_RESIZE_BILINEAR_S8_H

#include "tk_common.h"

typedef struct {
    int32_t in_width, out_height, out_width, channels;
    const int32_t *y_low, *y_high, *y_part; /* [out_height] */
    const int32_t *x_low, *x_high, *x_part; /* [out_width] */
} tk_resize_bilinear_s8_params;

/* in [height][in_width][channels], out [out_height][out_width][channels].  Scratch: none. */
void tk_resize_bilinear_s8(const tk_resize_bilinear_s8_params *p, const int8_t *in, int8_t *out);

#endif
