/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_fully_connected_s8_blocked.h"

#include "tk_blocked_1x3_s8.h"

void tk_fully_connected_s8_blocked(const tk_fully_connected_s8_blocked_params *p, const int8_t *in,
                                   int8_t *out) {
    for (int32_t b = 0; b < p->batches; ++b, in += p->inputs) {
        tk_blocked_vector(in, p->inputs, p->weights, p->outputs, p->requantize,
                          out + b * p->outputs);
    }
    tk_blocked_clamp(out, p->batches * p->outputs, p->out_min, p->out_max);
}
