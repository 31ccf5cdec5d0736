/* SPDX-License-Identifier: Apache-2.0 */
/* Max pooling over more rows than TK_MAX_KERNEL_ROWS, one column wide, int8. */
#ifndef TK_MAX_POOL_TALL_S8_H
#define TK_MAX_POOL_TALL_S8_H

#include "tk_pool_2d.h"

typedef tk_pool_2d_params tk_max_pool_tall_s8_params;

/* One output row: rows[k] is the input row (channels values) under kernel row k, NULL in the
 * padding, any number of them; out receives channels values and overlaps no row.  Scratch: none. */
void tk_max_pool_tall_s8_row(const tk_max_pool_tall_s8_params *p, const int8_t *const *rows,
                             int8_t *out);

#endif
