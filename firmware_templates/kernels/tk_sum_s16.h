/* SPDX-License-Identifier: Apache-2.0 */
/* What the sum and the difference of two int16 tensors with broadcasting share.
 *
 * A nest of four loops, outermost first; a stride of 0 repeats the operand along that dimension.
 * Both operands are scaled to 2^-16 of twice the larger scale before they meet.
 */
#ifndef TK_SUM_S16_H
#define TK_SUM_S16_H

#include "tk_common.h"

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
static inline int16_t tk_sum_s16_pair(const tk_sum_s16_params *p, int32_t a, int32_t sign,
                                      int32_t b) {
    const int32_t room = 1 << 15;
    const int32_t scaled_a = tk_requantize(a * room, p->a_multiplier, p->a_shift);
    const int32_t scaled_b = tk_requantize(b * room, p->b_multiplier, p->b_shift);
    const int32_t v = tk_requantize(scaled_a + sign * scaled_b, p->out_multiplier, p->out_shift);
    return (int16_t)tk_clamp(v, p->out_min, p->out_max);
}

static inline void tk_sum_s16(const tk_sum_s16_params *p, const int16_t *a, int32_t sign,
                              const int16_t *b, int16_t *out) {
    const int32_t *n = p->dims, *sa = p->a_strides, *sb = p->b_strides;
    for (int32_t i = 0; i < n[0]; ++i) {
        for (int32_t j = 0; j < n[1]; ++j) {
            for (int32_t k = 0; k < n[2]; ++k) {
                const int16_t *pa = a + i * sa[0] + j * sa[1] + k * sa[2];
                const int16_t *pb = b + i * sb[0] + j * sb[1] + k * sb[2];
                for (int32_t l = 0; l < n[3]; ++l, pa += sa[3], pb += sb[3]) {
                    *out++ = tk_sum_s16_pair(p, *pa, sign, *pb);
                }
            }
        }
    }
}

#endif
