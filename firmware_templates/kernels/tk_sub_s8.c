/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_sub_s8.h"

void tk_sub_s8(const tk_sub_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out) {
    const int32_t *n = p->dims, *sa = p->a_strides, *sb = p->b_strides;
    const int32_t room = 1 << TK_SUM_S8_ROOM_BITS, count = n[3], step_a = sa[3], step_b = sb[3];
    const int32_t a_zero_point = p->a_zero_point, b_zero_point = p->b_zero_point;
    const int32_t out_zero_point = p->out_zero_point;
    const tk_limits limits = {p->out_min, p->out_max};
    const tk_rescale by_a = tk_rescale_of(p->a_multiplier, p->a_shift);
    const tk_rescale by_b = tk_rescale_of(p->b_multiplier, p->b_shift);
    const tk_rescale by_out = tk_rescale_of(p->out_multiplier, p->out_shift);
    for (int32_t i = 0; i < n[0]; ++i) {
        for (int32_t j = 0; j < n[1]; ++j) {
            for (int32_t k = 0; k < n[2]; ++k, out += count) {
                const int8_t *pa = a + i * sa[0] + j * sa[1] + k * sa[2];
                const int8_t *pb = b + i * sb[0] + j * sb[1] + k * sb[2];
                for (int32_t l = 0; l < count; ++l, pa += step_a, pb += step_b) {
                    const int32_t first = tk_rescaled(by_a, (*pa - a_zero_point) * room);
                    const int32_t second = tk_rescaled(by_b, (*pb - b_zero_point) * room);
                    const int32_t v = tk_rescaled(by_out, first - second) + out_zero_point;
                    out[l] = (int8_t)tk_clamp(v, limits.low, limits.high);
                }
            }
        }
    }
}
