/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_fully_connected_s8.h"

void tk_fully_connected_s8(const tk_fully_connected_s8_params *p, const int8_t *in, int8_t *out) {
    for (int32_t b = 0; b < p->batches; ++b, in += p->inputs) {
        const int8_t *w = p->weights;
        for (int32_t o = 0; o < p->outputs; ++o, w += p->inputs) {
            int32_t acc = p->bias[o];
            for (int32_t i = 0; i < p->inputs; ++i) {
                acc += (in[i] - p->in_zero_point) * w[i];
            }
            const int32_t v = tk_requantize(acc, p->multipliers[o], p->shifts[o]);
            *out++ = (int8_t)tk_clamp(v + p->out_zero_point, p->out_min, p->out_max);
        }
    }
}
