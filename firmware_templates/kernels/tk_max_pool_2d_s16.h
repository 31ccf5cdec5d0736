/* SPDX-License-Identifier: Apache-2.0 */
/* Max pooling, int16 (TFLite MAX_POOL_2D); padding never wins. */
#ifndef TK_MAX_POOL_2D_S16_H
#define TK_MAX_POOL_2D_S16_H

#include "tk_pool_2d.h"

typedef tk_pool_2d_params tk_max_pool_2d_s16_params;

/* One output row: rows[k] is the input row (in_w * channels values) under kernel row k, NULL in the
 * padding; out receives out_w * channels values and overlaps no row.  Scratch: none. */
void tk_max_pool_2d_s16_row(const tk_max_pool_2d_s16_params *p, const int16_t *const *rows,
                            int16_t *out);

/* Whole tensor: in [in_h][in_w][channels], out [out_h][out_w][channels]; the two must not overlap.
 */
void tk_max_pool_2d_s16(const tk_max_pool_2d_s16_params *p, const int16_t *in, int16_t *out);

#endif
