/* SPDX-License-Identifier: Apache-2.0 */
/* An int16 tensor times int8 slopes where it is negative, with broadcasting (TFLite PRELU).
 *
 * A nest of four loops, outermost first; a stride of 0 repeats the operand along that dimension.
 */
#ifndef TK_PRELU_S16_H
#define TK_PRELU_S16_H

#include "tk_common.h"

typedef struct {
    const int32_t *dims;      /* [4] */
    const int32_t *a_strides; /* [4], the last 0 or 1 */
    const int32_t *b_strides; /* [4], the last 0 or 1 */
    int32_t above_multiplier, above_shift, below_multiplier, below_shift;
    int32_t b_zero_point;
} tk_prelu_s16_params;

/* out [product of dims] may be a, if it has its size.  Scratch: none. */
void tk_prelu_s16(const tk_prelu_s16_params *p, const int16_t *a, const int8_t *b, int16_t *out);

#endif
