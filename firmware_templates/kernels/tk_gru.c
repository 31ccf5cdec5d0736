/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_gru.h"

#include "tk_gru_step.h"

void tk_gru_init(const tk_gru_params *p, void *state) {
    const int32_t units = p->units, size = tk_recurrent_filled(units);
    const int32_t taken = tk_recurrent_filled(p->inputs);
    int16_t *const vectors = state, *const kept = vectors + taken + 2 * size;
    for (int32_t i = 0; i < taken + (2 + p->inner) * size; ++i) {
        vectors[i] = 0;
    }
    for (int32_t sequence = 0; p->given && sequence < p->inner; ++sequence) {
        for (int32_t u = 0; u < units; ++u) {
            kept[sequence * size + u] = p->initial[sequence * units + u];
        }
    }
}

void tk_gru_row(const tk_gru_params *p, const void *in, void *out, void *state) {
    tk_gru_steps(p, in, out, state, p->inputs, p->units, tk_recurrent_rows, tk_recurrent_rescale);
}

void tk_gru(const tk_gru_params *p, const void *in, void *out, void *state) {
    const int32_t values = p->inner * p->element_bytes;
    for (int32_t outer = 0; outer < p->outer; ++outer) {
        tk_gru_init(p, state);
        for (int32_t step = 0; step < p->steps; ++step) {
            const ptrdiff_t at = tk_recurrent_row(outer, step, p->steps, p->reverse, values);
            tk_gru_row(p, (const char *)in + at * p->inputs, (char *)out + at * p->units, state);
        }
    }
}
