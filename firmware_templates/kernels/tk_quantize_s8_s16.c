/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_quantize_s8_s16.h"

void tk_quantize_s8_s16(const tk_quantize_s8_s16_params *p, const int8_t *in, int16_t *out) {
    for (int32_t i = 0; i < p->count; ++i) {
        const int32_t v = tk_requantize(in[i] - p->in_zero_point, p->multiplier, p->shift);
        out[i] = (int16_t)tk_clamp(v + p->out_zero_point, INT16_MIN, INT16_MAX);
    }
}
