/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_svdf.h"

void tk_svdf(const tk_svdf_params *p, const void *state, void *out) {
    const int16_t *weights = p->weights;
    int32_t at = 0;
    for (int32_t u = 0; u < p->units; ++u) {
        uint32_t sum = (uint32_t)p->bias[u]; /* wraps around */
        for (int32_t tap = 0; tap < p->taps; ++tap, ++at) {
            const int32_t value =
                p->element_bytes == 2 ? ((const int16_t *)state)[at] : ((const int8_t *)state)[at];
            sum += (uint32_t)(*weights++ * (value - p->state_zero_point));
        }
        const int32_t made =
            tk_requantize((int32_t)sum, p->multiplier, p->shift) + p->out_zero_point;
        ((int8_t *)out)[u] = (int8_t)tk_clamp(made, -128, 127);
    }
}
