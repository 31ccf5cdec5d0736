/* SPDX-License-Identifier: Apache-2.0 */
/* An int8 tensor times slopes where it is negative, with broadcasting (TFLite PRELU).
 *
 * A nest of four loops, outermost first; a stride of 0 repeats the operand along that dimension.
 */
#ifndef TK_PRELU_S8_H
#define TK_PRELU_S8_H

#include "tk_common.h"

typedef struct {
    const int32_t *dims;      /* [4] */
    const int32_t *a_strides; /* [4], the last 0 or 1 */
    const int32_t *b_strides; /* [4], the last 0 or 1 */
    int32_t a_zero_point, b_zero_point, out_zero_point;
    int32_t above_multiplier, above_shift, below_multiplier, below_shift;
} tk_prelu_s8_params;

/* out [product of dims] may be a, if it has its size.  Scratch: none. */
void tk_prelu_s8(const tk_prelu_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out);

#endif
