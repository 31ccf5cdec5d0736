/* SPDX-License-Identifier: Apache-2.0 */
/* Each row over the root of the sum of its squares, int8 (TFLite L2_NORMALIZATION); output scale
 * 1/128, zero point 0.
 */
#ifndef TK_L2_NORMALIZATION_S8_H
#define TK_L2_NORMALIZATION_S8_H

#include "tk_common.h"

typedef struct {
    int32_t rows, depth; /* depth at most 32768 */
    int32_t in_zero_point;
} tk_l2_normalization_s8_params;

/* in and out [rows][depth], possibly the same.  Scratch: none. */
void tk_l2_normalization_s8(const tk_l2_normalization_s8_params *p, const int8_t *in, int8_t *out);

#endif
