/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_fully_connected_s16_b12b7fbf.h"

void tk_b12b7fbf_fully_connected_s16(const tk_b12b7fbf_fully_connected_s16_params *p, const int16_t *in,
                            int16_t *out) {
    for (int32_t b = 0; b < p->batches; ++b, in += p->inputs) {
        const int8_t *w = p->weights;
        for (int32_t o = 0; o < p->outputs; ++o, w += p->inputs) {
            int64_t acc = p->bias[o];
            for (int32_t i = 0; i < p->inputs; ++i) {
                acc += (in[i] - p->in_zero_point) * w[i];
            }
            const int32_t v = tk_89560e01_requantize_int64(acc, p->multipliers[o], p->shifts[o]);
            *out++ = (int16_t)tk_89560e01_clamp(v + p->out_zero_point, p->out_min, p->out_max);
        }
    }
}
