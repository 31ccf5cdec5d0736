/* SPDX-License-Identifier: Apache-2.0 */
/* A step of an LSTM, whatever multiplies vectors with weights, of which a row has `row_values` of
 * the input and `row_units` of the state, and rescales sums.  tk_lstm.h comes before it. */
#ifndef TK_LSTM_STEP_H
#define TK_LSTM_STEP_H

#include "tk_recurrent.h"

/* A sum as a gate's argument: of int8 by `rescale`, of int16 with one rounding. */
TK_INLINE int32_t tk_lstm_rescale(const tk_lstm_params *p, int32_t sum, const int32_t *record,
                                  tk_recurrent_scale rescale) {
    return tk_clip16(p->element_bytes == 2
                         ? tk_requantize_int64(sum, record[1], tk_recurrent_shift(record))
                         : rescale(sum, record));
}

/* x * 2^-(right + 1), rounded twice as tk_requantize does; |x| is at most 2^30. */
TK_INLINE int32_t tk_lstm_shifted(int32_t x, int32_t right) {
    return tk_clip16(tk_divide_by_pot((x + 1) >> 1, right));
}

/* Hidden value (less its zero point) of the unit whose gates' arguments are given. */
TK_INLINE int32_t tk_lstm_unit(const tk_lstm_params *p, const int32_t *gate, int16_t *cell) {
    const int16_t *const table = p->sigmoid;
    const int32_t in = tk_sigmoid16(gate[0], table), forget = tk_sigmoid16(gate[1], table);
    const int32_t fresh = tk_tanh16(gate[2], 3, 0, table), show = tk_sigmoid16(gate[3], table);
    const int32_t kept = tk_lstm_shifted(forget * *cell, 14);
    int32_t now = tk_clip16(kept + tk_lstm_shifted(in * fresh, p->added_shift));
    if (p->cell_clip > 0) {
        now = tk_clamp(now, -p->cell_clip, p->cell_clip);
    }
    *cell = (int16_t)now;
    const int32_t shown = show * tk_tanh16(now, p->tanh_multiplier, p->tanh_shift, table);
    return tk_requantize(shown, p->hidden_multiplier, p->hidden_shift);
}

TK_INLINE void tk_lstm_steps(const tk_lstm_params *p, const void *in, void *out, void *state,
                             int32_t row_values, int32_t row_units, tk_recurrent_multiply multiply,
                             tk_recurrent_scale rescale) {
    const int32_t units = p->units, size = tk_recurrent_filled(units), bytes = p->element_bytes;
    const int32_t low = bytes == 2 ? -32768 : -128, high = bytes == 2 ? 32767 : 127;
    int16_t *const x = state, *const next = x + tk_recurrent_filled(p->inputs);
    for (int32_t sequence = 0; sequence < p->inner; ++sequence) {
        int16_t *const hidden = next + size * (1 + 2 * sequence), *const cell = hidden + size;
        const int8_t *in_weights = p->in_weights, *state_weights = p->state_weights;
        const int32_t *bias = p->bias;
        const int32_t first_in = sequence * p->inputs, first_out = sequence * units;
        tk_recurrent_take((const char *)in + first_in * bytes, bytes, p->inputs, p->in_zero_point,
                          x);
        for (int32_t u = 0; u < units; ++u, bias += 4) {
            int32_t given[4] = {bias[0], bias[1], bias[2], bias[3]}, made[4] = {0, 0, 0, 0};
            multiply(given, x, in_weights, row_values, 4);
            multiply(made, hidden, state_weights, row_units, 4);
            in_weights += 4 * row_values;
            state_weights += 4 * row_units;
            for (int32_t g = 0; g < 4; ++g) {
                const int32_t *const record = p->rescale + 8 * g;
                given[g] = tk_clip16(tk_lstm_rescale(p, given[g], record, rescale) +
                                     tk_lstm_rescale(p, made[g], record + 4, rescale));
            }
            const int32_t value = tk_lstm_unit(p, given, cell + u) + p->out_zero_point;
            const int32_t clipped = tk_clamp(value, low, high);
            next[u] = (int16_t)(clipped - p->out_zero_point);
            tk_recurrent_put(out, bytes, first_out + u, clipped);
        }
        for (int32_t u = 0; u < units; ++u) {
            hidden[u] = next[u];
        }
    }
}

#endif
