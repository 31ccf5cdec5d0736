/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_div_s16.h"

static int64_t magnitude(int32_t x) {
    return x < 0 ? -(int64_t)x : x;
}

static int16_t div_pair(const tk_div_s16_params *p, int32_t a, int32_t b) {
    const int64_t divisor = b == 0 ? 1 : magnitude(b);
    const int64_t quotient = magnitude(a) * p->out_multiplier / divisor;
    const int32_t down = 31 - p->out_shift;
    const int64_t steps = (quotient + ((int64_t)1 << (down - 1))) >> down;
    const int64_t most = steps > INT16_MAX + 1 ? INT16_MAX + 1 : steps;
    const int32_t v = (int32_t)((a < 0) != (b < 0) ? -most : most);
    return (int16_t)tk_clamp(v, p->out_min, p->out_max);
}

void tk_div_s16(const tk_div_s16_params *p, const int16_t *a, const int16_t *b, int16_t *out) {
    const int32_t *n = p->dims, *sa = p->a_strides, *sb = p->b_strides;
    for (int32_t i = 0; i < n[0]; ++i) {
        for (int32_t j = 0; j < n[1]; ++j) {
            for (int32_t k = 0; k < n[2]; ++k) {
                const int16_t *pa = a + i * sa[0] + j * sa[1] + k * sa[2];
                const int16_t *pb = b + i * sb[0] + j * sb[1] + k * sb[2];
                for (int32_t l = 0; l < n[3]; ++l, pa += sa[3], pb += sb[3]) {
                    *out++ = div_pair(p, *pa, *pb);
                }
            }
        }
    }
}
