/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax of each row, int8 (TFLite SOFTMAX); output scale 1/256, zero point -128.
 *
 * The exponentials come from a table over the distance to the row's maximum.
 */
#ifndef TK_SOFTMAX_S8_H
#define TK_SOFTMAX_S8_H

#include "tk_common.h"

typedef struct {
    int32_t rows, depth;      /* depth at most 511 */
    const int32_t *exp_table; /* [256], 0 fractional point at bit 31, in [0, 2^31) */
} tk_softmax_s8_params;

/* in and out [rows][depth], possibly the same.  Scratch: none. */
void tk_softmax_s8(const tk_softmax_s8_params *p, const int8_t *in, int8_t *out);

#endif
