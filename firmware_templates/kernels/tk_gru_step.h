/* SPDX-License-Identifier: Apache-2.0 */
/* A step of a GRU, whatever multiplies vectors with weights, of which a row has `row_values` of the
 * input and `row_units` of the state, and rescales sums.  tk_gru.h comes before it. */
#ifndef TK_GRU_STEP_H
#define TK_GRU_STEP_H

#include "tk_recurrent.h"

/* Bound of the state's part of a candidate, whose product with a gate fits 32 bits. */
#define TK_GRU_LIMIT 65535

/* Three sums, rescaled to 12 fractional bits. */
TK_INLINE void tk_gru_sums(int32_t *sums, const int16_t *x, const int8_t *weights,
                           const int32_t *records, int32_t values, tk_recurrent_multiply multiply,
                           tk_recurrent_scale rescale) {
    for (int32_t g = 0; g < 3; ++g) {
        sums[g] = records[4 * g];
    }
    multiply(sums, x, weights, values, 3);
    for (int32_t g = 0; g < 3; ++g) {
        sums[g] = rescale(sums[g], records + 4 * g);
    }
}

/* A product with a number of 15 fractional bits, without them. */
TK_INLINE int32_t tk_gru_rounded(int32_t product) {
    return (product + (1 << 14)) >> 15;
}

/* The gate of the input's part and the state's. */
TK_INLINE int32_t tk_gru_gate(int32_t given, int32_t made, const int16_t *table) {
    return tk_sigmoid16(tk_clip16(tk_clip16(given) + tk_clip16(made)), table);
}

TK_INLINE void tk_gru_steps(const tk_gru_params *p, const void *in, void *out, void *state,
                            int32_t row_values, int32_t row_units, tk_recurrent_multiply multiply,
                            tk_recurrent_scale rescale) {
    const int32_t units = p->units, size = tk_recurrent_filled(units), bytes = p->element_bytes;
    const int16_t *const table = p->sigmoid;
    int16_t *const x = state, *const next = x + tk_recurrent_filled(p->inputs);
    int16_t *const reset_state = next + size;
    for (int32_t sequence = 0; sequence < p->inner; ++sequence) {
        int16_t *const hidden = next + size * (2 + sequence);
        const int32_t first_in = sequence * p->inputs, first_out = sequence * units;
        tk_recurrent_take((const char *)in + first_in * bytes, bytes, p->inputs, p->in_zero_point,
                          x);
        /* Where the reset gate works on the state, all of them come before any candidate. */
        for (int32_t pass = p->reset_after; pass < 2; ++pass) {
            const int8_t *in_weights = p->in_weights, *state_weights = p->state_weights;
            const int32_t *in_records = p->in_rescale, *state_records = p->state_rescale;
            for (int32_t u = 0; u < units; ++u) {
                int32_t given[3], made[3], candidate;
                tk_gru_sums(given, x, in_weights, in_records, row_values, multiply, rescale);
                tk_gru_sums(made, hidden, state_weights, state_records, row_units, multiply,
                            rescale);
                if (pass == 0) {
                    const int32_t reset = tk_gru_gate(given[1], made[1], table);
                    reset_state[u] = (int16_t)tk_gru_rounded(reset * hidden[u]);
                } else {
                    const int32_t update = tk_gru_gate(given[0], made[0], table);
                    if (p->reset_after) {
                        const int32_t reset = tk_gru_gate(given[1], made[1], table);
                        candidate =
                            tk_gru_rounded(reset * tk_clamp(made[2], -TK_GRU_LIMIT, TK_GRU_LIMIT));
                    } else {
                        tk_gru_sums(made, reset_state, state_weights, state_records, row_units,
                                    multiply, rescale);
                        candidate = tk_clip16(made[2]);
                    }
                    candidate = tk_clip16(tk_clip16(given[2]) + candidate);
                    const int32_t fresh = tk_tanh16(candidate, 3, 0, table);
                    const int32_t now =
                        tk_gru_rounded(update * hidden[u] + ((1 << 15) - update) * fresh);
                    next[u] = (int16_t)now;
                    tk_recurrent_put(out, bytes, first_out + u,
                                     tk_requantize(now, p->out_multiplier, p->out_shift) +
                                         p->out_zero_point);
                }
                in_weights += 3 * row_values;
                state_weights += 3 * row_units;
                in_records += 12;
                state_records += 12;
            }
        }
        for (int32_t u = 0; u < units; ++u) {
            hidden[u] = next[u];
        }
    }
}

#endif
