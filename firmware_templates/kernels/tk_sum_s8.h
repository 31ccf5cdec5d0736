/* SPDX-License-Identifier: Apache-2.0 */
/* What the sum and the difference of two int8 tensors with broadcasting share.
 *
 * A nest of four loops, outermost first; a stride of 0 repeats the operand along that dimension.
 * Both operands are scaled to 2^-21 of twice the larger scale before they meet.
 */
#ifndef TK_SUM_S8_H
#define TK_SUM_S8_H

#include "tk_common.h"
#include "tk_rescale.h"

#define TK_SUM_S8_ROOM_BITS 20

typedef struct {
    const int32_t *dims;      /* [4] */
    const int32_t *a_strides; /* [4], the last 0 or 1 */
    const int32_t *b_strides; /* [4], the last 0 or 1 */
    int32_t a_zero_point, b_zero_point, out_zero_point;
    int32_t a_multiplier, a_shift;     /* shift at most 0 */
    int32_t b_multiplier, b_shift;     /* shift at most 0 */
    int32_t out_multiplier, out_shift; /* shift at most 0 */
    int32_t out_min, out_max;
} tk_sum_s8_params;

/* a + sign * b; a constant sign is folded. */
static inline int8_t tk_sum_s8_pair(const tk_sum_s8_params *p, int32_t a, int32_t sign, int32_t b) {
    const int32_t room = 1 << TK_SUM_S8_ROOM_BITS;
    const int32_t scaled_a =
        tk_requantize((a - p->a_zero_point) * room, p->a_multiplier, p->a_shift);
    const int32_t scaled_b =
        tk_requantize((b - p->b_zero_point) * room, p->b_multiplier, p->b_shift);
    const int32_t v = tk_requantize(scaled_a + sign * scaled_b, p->out_multiplier, p->out_shift);
    return (int8_t)tk_clamp(v + p->out_zero_point, p->out_min, p->out_max);
}

#endif
