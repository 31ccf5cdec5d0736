/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_squared_difference_s16.h"

static int16_t pair(const tk_squared_difference_s16_params *p, int32_t a, int32_t b) {
    const int32_t x = tk_requantize(a, p->a_multiplier, p->a_shift);
    const int32_t y = tk_requantize(b, p->b_multiplier, p->b_shift);
    const int32_t square = (x - y) * (x - y);
    const int32_t v = tk_requantize(square, p->out_multiplier, p->out_shift);
    return (int16_t)tk_clamp(v, p->out_min, p->out_max);
}

void tk_squared_difference_s16(const tk_squared_difference_s16_params *p, const int16_t *a,
                               const int16_t *b, int16_t *out) {
    const int32_t *n = p->dims, *sa = p->a_strides, *sb = p->b_strides;
    for (int32_t i = 0; i < n[0]; ++i) {
        for (int32_t j = 0; j < n[1]; ++j) {
            for (int32_t k = 0; k < n[2]; ++k) {
                const int16_t *pa = a + i * sa[0] + j * sa[1] + k * sa[2];
                const int16_t *pb = b + i * sb[0] + j * sb[1] + k * sb[2];
                for (int32_t l = 0; l < n[3]; ++l, pa += sa[3], pb += sb[3]) {
                    *out++ = pair(p, *pa, *pb);
                }
            }
        }
    }
}
