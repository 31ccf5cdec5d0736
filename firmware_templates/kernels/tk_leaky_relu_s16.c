/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_leaky_relu_s16.h"

void tk_leaky_relu_s16(const tk_leaky_relu_s16_params *p, const int16_t *in, int16_t *out) {
    for (int32_t i = 0; i < p->count; ++i) {
        const int32_t v = in[i] >= 0 ? tk_requantize(in[i], p->above_multiplier, p->above_shift)
                                     : tk_requantize(in[i], p->below_multiplier, p->below_shift);
        out[i] = (int16_t)tk_clamp(v, INT16_MIN, INT16_MAX);
    }
}
