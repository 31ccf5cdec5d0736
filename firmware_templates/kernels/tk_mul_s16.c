/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_mul_s16.h"

#include "tk_dsp_mac.h"
#include "tk_rescale.h"

/* A run of products; down: the shift suits tk_rescale. */
TK_INLINE void mul_run(const tk_mul_s16_params *p, int32_t down, const int16_t *a, const int16_t *b,
                       int16_t *out) {
    const int32_t count = p->dims[3], step_a = p->a_strides[3], step_b = p->b_strides[3];
    const int32_t multiplier = p->out_multiplier, shift = p->out_shift;
    const tk_rescale by = down ? tk_rescale_of(multiplier, shift) : tk_rescale_of(multiplier, 0);
    for (int32_t i = 0; i < count; ++i, a += step_a, b += step_b) {
        const int32_t product = *a * *b;
        const int32_t v =
            (down ? tk_rescaled_in_range(by, product) : tk_requantize(product, multiplier, shift));
        out[i] = (int16_t)tk_ssat16(v);
    }
    tk_dsp_clamp_s16(out, count, p->out_min, p->out_max);
}

void tk_mul_s16(const tk_mul_s16_params *p, const int16_t *a, const int16_t *b, int16_t *out) {
    const int32_t *n = p->dims, *sa = p->a_strides, *sb = p->b_strides;
    const int32_t down = tk_is_rescale(p->out_shift);
    for (int32_t i = 0; i < n[0]; ++i) {
        for (int32_t j = 0; j < n[1]; ++j) {
            for (int32_t k = 0; k < n[2]; ++k, out += n[3]) {
                const int16_t *pa = a + i * sa[0] + j * sa[1] + k * sa[2];
                const int16_t *pb = b + i * sb[0] + j * sb[1] + k * sb[2];
                if (down) {
                    mul_run(p, 1, pa, pb, out);
                } else {
                    mul_run(p, 0, pa, pb, out);
                }
            }
        }
    }
}
