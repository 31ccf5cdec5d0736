/* SPDX-License-Identifier: Apache-2.0 */
/* What the sum and the difference of two int16 tensors with broadcasting share.
 *
 * A nest of four loops, outermost first; a stride of 0 repeats the operand along that dimension.
 * Both operands are scaled to 2^-16 of twice the larger scale before they meet.
 */
#ifndef TK_SUM_S16_H
#define TK_SUM_S16_H

#include "tk_common.h"
#include "tk_rescale.h"

typedef struct {
    const int32_t *dims;               /* [4] */
    const int32_t *a_strides;          /* [4], the last 0 or 1 */
    const int32_t *b_strides;          /* [4], the last 0 or 1 */
    int32_t a_multiplier, a_shift;     /* shift at most 0 */
    int32_t b_multiplier, b_shift;     /* shift at most 0 */
    int32_t out_multiplier, out_shift; /* shift at most 0 */
    int32_t out_min, out_max;
} tk_sum_s16_params;

/* a + sign * b; a constant sign is folded. */
static inline void tk_sum_s16(const tk_sum_s16_params *p, const int16_t *a, int32_t sign,
                              const int16_t *b, int16_t *out) {
    const int32_t *n = p->dims, *sa = p->a_strides, *sb = p->b_strides;
    const int32_t room = 1 << 15, count = n[3], step_a = sa[3], step_b = sb[3];
    const tk_limits limits = {p->out_min, p->out_max};
    const tk_rescale by_a = tk_rescale_of(p->a_multiplier, p->a_shift);
    const tk_rescale by_b = tk_rescale_of(p->b_multiplier, p->b_shift);
    const tk_rescale by_out = tk_rescale_of(p->out_multiplier, p->out_shift);
    for (int32_t i = 0; i < n[0]; ++i) {
        for (int32_t j = 0; j < n[1]; ++j) {
            for (int32_t k = 0; k < n[2]; ++k, out += count) {
                const int16_t *pa = a + i * sa[0] + j * sa[1] + k * sa[2];
                const int16_t *pb = b + i * sb[0] + j * sb[1] + k * sb[2];
                for (int32_t l = 0; l < count; ++l, pa += step_a, pb += step_b) {
                    const int32_t sum =
                        tk_rescaled(by_a, *pa * room) + sign * tk_rescaled(by_b, *pb * room);
                    const int32_t v = tk_rescaled(by_out, sum);
                    out[l] = (int16_t)tk_clamp(v, limits.low, limits.high);
                }
            }
        }
    }
}

#endif
