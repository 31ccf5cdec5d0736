/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_div_s8.h"

/* Bits that x, at least 0, takes. */
static int32_t bits(int32_t x) {
    int32_t count = 0;
    while (x > 0) {
        x /= 2;
        ++count;
    }
    return count;
}

static int8_t div_pair(const tk_div_s8_params *p, int32_t a, int32_t b) {
    int32_t dividend = a - p->a_zero_point, divisor = b - p->b_zero_point;
    if (divisor < 0) {
        dividend = -dividend;
        divisor = -divisor;
    }
    divisor = divisor == 0 ? 1 : divisor;
    const int32_t headroom = 31 - bits(dividend < 0 ? ~dividend : dividend);
    const int32_t raised = (int32_t)((uint32_t)dividend << headroom);
    const int32_t quotient = tk_high_mul_in_range(raised, p->reciprocals[divisor]);
    const int32_t scaled = tk_high_mul_in_range(quotient, p->out_multiplier);
    const int32_t shift = headroom + bits(divisor) - 1 - p->out_shift;
    const int32_t v = shift > 31 ? 0 : tk_divide_by_pot(scaled, shift);
    return (int8_t)tk_clamp(v + p->out_zero_point, p->out_min, p->out_max);
}

void tk_div_s8(const tk_div_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out) {
    const int32_t *n = p->dims, *sa = p->a_strides, *sb = p->b_strides;
    for (int32_t i = 0; i < n[0]; ++i) {
        for (int32_t j = 0; j < n[1]; ++j) {
            for (int32_t k = 0; k < n[2]; ++k) {
                const int8_t *pa = a + i * sa[0] + j * sa[1] + k * sa[2];
                const int8_t *pb = b + i * sb[0] + j * sb[1] + k * sb[2];
                for (int32_t l = 0; l < n[3]; ++l, pa += sa[3], pb += sb[3]) {
                    *out++ = div_pair(p, *pa, *pb);
                }
            }
        }
    }
}
