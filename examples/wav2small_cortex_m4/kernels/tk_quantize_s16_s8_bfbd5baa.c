/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_quantize_s16_s8_bfbd5baa.h"

void tk_bfbd5baa_quantize_s16_s8(const tk_bfbd5baa_quantize_s16_s8_params *p, const int16_t *in, int8_t *out) {
    for (int32_t i = 0; i < p->count; ++i) {
        const int32_t v = tk_368921da_requantize(in[i] - p->in_zero_point, p->multiplier, p->shift);
        out[i] = (int8_t)tk_368921da_clamp(v + p->out_zero_point, INT8_MIN, INT8_MAX);
    }
}
