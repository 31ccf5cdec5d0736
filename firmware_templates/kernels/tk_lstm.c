/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_lstm.h"

#include "tk_lstm_step.h"

void tk_lstm_init(const tk_lstm_params *p, void *state) {
    const int32_t units = p->units, size = tk_recurrent_filled(units);
    const int32_t taken = tk_recurrent_filled(p->inputs), halves = 2 * p->inner;
    int16_t *const vectors = state, *const kept = vectors + taken + size;
    for (int32_t i = 0; i < taken + (1 + halves) * size; ++i) {
        vectors[i] = 0;
    }
    for (int32_t half = 0; p->given && half < halves; ++half) {
        for (int32_t u = 0; u < units; ++u) {
            kept[half * size + u] = p->initial[half * units + u];
        }
    }
}

void tk_lstm_row(const tk_lstm_params *p, const void *in, void *out, void *state) {
    tk_lstm_steps(p, in, out, state, p->inputs, p->units, tk_recurrent_rows, tk_recurrent_rescale);
}

void tk_lstm(const tk_lstm_params *p, const void *in, void *out, void *state) {
    const int32_t values = p->inner * p->element_bytes;
    for (int32_t outer = 0; outer < p->outer; ++outer) {
        tk_lstm_init(p, state);
        for (int32_t step = 0; step < p->steps; ++step) {
            const ptrdiff_t at = tk_recurrent_row(outer, step, p->steps, p->reverse, values);
            tk_lstm_row(p, (const char *)in + at * p->inputs, (char *)out + at * p->units, state);
        }
    }
}
