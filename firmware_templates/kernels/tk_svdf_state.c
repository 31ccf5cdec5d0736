/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_svdf_state.h"

/* The value that a filter makes of the input. */
static int32_t newest(const tk_svdf_state_params *p, const int8_t *in, const int8_t *weights) {
    int32_t sum = 0;
    for (int32_t i = 0; i < p->values; ++i) {
        sum += weights[i] * (in[i] - p->in_zero_point);
    }
    const int32_t value = tk_requantize(sum, p->multiplier, p->shift) + p->state_zero_point;
    return p->element_bytes == 2 ? tk_clamp(value, -32768, 32767) : tk_clamp(value, -128, 127);
}

void tk_svdf_state(const tk_svdf_state_params *p, const void *in, const void *state, void *out) {
    const int32_t last = p->memory - 1;
    for (int32_t f = 0; f < p->filters; ++f) {
        const int32_t value = newest(p, in, p->weights + f * p->values);
        if (p->element_bytes == 2) {
            const int16_t *const from = (const int16_t *)state + f * p->memory;
            int16_t *const to = (int16_t *)out + f * p->memory;
            for (int32_t m = 0; m < last; ++m) {
                to[m] = from[m + 1];
            }
            to[last] = (int16_t)value;
        } else {
            const int8_t *const from = (const int8_t *)state + f * p->memory;
            int8_t *const to = (int8_t *)out + f * p->memory;
            for (int32_t m = 0; m < last; ++m) {
                to[m] = from[m + 1];
            }
            to[last] = (int8_t)value;
        }
    }
}
