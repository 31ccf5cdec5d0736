/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_prelu_s16.h"

static int16_t value(const tk_prelu_s16_params *p, int32_t x, int32_t b) {
    const int32_t v =
        x >= 0 ? tk_requantize(x, p->above_multiplier, p->above_shift)
               : tk_requantize(x * (b - p->b_zero_point), p->below_multiplier, p->below_shift);
    return (int16_t)tk_clamp(v, INT16_MIN, INT16_MAX);
}

void tk_prelu_s16(const tk_prelu_s16_params *p, const int16_t *a, const int8_t *b, int16_t *out) {
    const int32_t *n = p->dims, *sa = p->a_strides, *sb = p->b_strides;
    for (int32_t i = 0; i < n[0]; ++i) {
        for (int32_t j = 0; j < n[1]; ++j) {
            for (int32_t k = 0; k < n[2]; ++k) {
                const int16_t *pa = a + i * sa[0] + j * sa[1] + k * sa[2];
                const int8_t *pb = b + i * sb[0] + j * sb[1] + k * sb[2];
                for (int32_t l = 0; l < n[3]; ++l, pa += sa[3], pb += sb[3]) {
                    *out++ = value(p, *pa, *pb);
                }
            }
        }
    }
}
