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
} tk_d393346c_pool_2d_params;

#endif
