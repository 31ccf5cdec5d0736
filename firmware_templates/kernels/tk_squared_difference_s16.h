/* SPDX-License-Identifier: Apache-2.0 */
/* Square of the difference of two int16 tensors with broadcasting (TFLite SQUARED_DIFFERENCE).
 *
 * A nest of four loops, outermost first; a stride of 0 repeats the operand along that dimension.
 */
#ifndef TK_SQUARED_DIFFERENCE_S16_H
#define TK_SQUARED_DIFFERENCE_S16_H

#include "tk_common.h"

typedef struct {
    const int32_t *dims;      /* [4] */
    const int32_t *a_strides; /* [4], the last 0 or 1 */
    const int32_t *b_strides; /* [4], the last 0 or 1 */
    int32_t a_multiplier, a_shift, b_multiplier, b_shift, out_multiplier, out_shift;
    int32_t out_min, out_max;
} tk_squared_difference_s16_params;

/* out [product of dims] may be an operand of the same size.  Scratch: none. */
void tk_squared_difference_s16(const tk_squared_difference_s16_params *p, const int16_t *a,
                               const int16_t *b, int16_t *out);

#endif
