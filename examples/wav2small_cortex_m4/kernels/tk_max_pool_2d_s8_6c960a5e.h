/* SPDX-License-Identifier: Apache-2.0 */
/* Max pooling, int8 (TFLite MAX_POOL_2D); padding never wins. */
#ifndef TK_MAX_POOL_2D_S8_H
#define TK_MAX_POOL_2D_S8_H

#include "tk_pool_2d_062b6df7.h"

typedef tk_062b6df7_pool_2d_params tk_6c960a5e_max_pool_2d_s8_params;

/* One output row: rows[k] is the input row (in_w * channels values) under kernel row k, NULL in the
 * padding; out receives out_w * channels values and overlaps no row.  Scratch: none. */
void tk_6c960a5e_max_pool_2d_s8_row(const tk_6c960a5e_max_pool_2d_s8_params *p, const int8_t *const *rows,
                           int8_t *out);

/* Whole tensor: in [in_h][in_w][channels], out [out_h][out_w][channels]; the two must not overlap.
 */
void tk_6c960a5e_max_pool_2d_s8(const tk_6c960a5e_max_pool_2d_s8_params *p, const int8_t *in, int8_t *out);

#endif
