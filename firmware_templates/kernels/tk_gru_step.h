/* SPDX-License-Identifier: Apache-2.0 */
/* A step of a GRU, whatever multiplies vectors with weights, of which a row has `row_values` of the
 * input and `row_units` of the state.  tk_gru.h comes before it. */
#ifndef TK_GRU_STEP_H
#define TK_GRU_STEP_H

#include "tk_recurrent.h"

/* Bound of the state's part of a candidate, whose product with a gate fits 32 bits. */
#define TK_GRU_LIMIT 65535

/* Three sums, rescaled to 12 fractional bits. */
TK_INLINE void tk_gru_sums(int32_t *sums, const int16_t *x, const int8_t *weights,
                           const int32_t *records, int32_t values, tk_recurrent_multiply multiply) {
    for (int32_t g = 0; g < 3; ++g) {
        sums[g] = records[3 * g];
    }
    multiply(sums, x, weights, values, 3);
    for (int32_t g = 0; g < 3; ++g) {
        sums[g] = tk_requantize(sums[g], records[3 * g + 1], records[3 * g + 2]);
    }
}

/* A product with a number of 15 fractional bits, without them. */
TK_INLINE int32_t tk_gru_rounded(int32_t product) {
    return (product + (1 << 14)) >> 15;
}

/* What is kept of the state of a unit, and what the candidate adds. */
TK_INLINE int32_t tk_gru_mixed(int32_t update, int32_t state, int32_t candidate,
                               const int16_t *table) {
    const int32_t fresh = tk_tanh16(tk_clip16(candidate), 3, 0, table);
    return tk_gru_rounded(update * state + ((1 << 15) - update) * fresh);
}

TK_INLINE void tk_gru_steps(const tk_gru_params *p, const void *in, void *out, void *state,
                            int32_t row_values, int32_t row_units, tk_recurrent_multiply multiply) {
    const int32_t units = p->units, size = tk_recurrent_filled(units), bytes = p->element_bytes;
    const int16_t *const table = p->sigmoid;
    int16_t *const x = state, *const next = x + tk_recurrent_filled(p->inputs);
    int16_t *const reset_state = next + size;
    for (int32_t sequence = 0; sequence < p->inner; ++sequence) {
        int16_t *const hidden = next + size * (2 + sequence);
        const int32_t first_in = sequence * p->inputs, first_out = sequence * units;
        tk_recurrent_take((const char *)in + first_in * bytes, bytes, p->inputs, p->in_zero_point,
                          x);
        const int16_t *from = hidden;
        if (!p->reset_after) { /* all reset gates come before any candidate */
            for (int32_t u = 0; u < units; ++u) {
                int32_t given[3], made[3];
                tk_gru_sums(given, x, p->in_weights + 3 * u * row_values, p->in_rescale + 9 * u,
                            row_values, multiply);
                tk_gru_sums(made, hidden, p->state_weights + 3 * u * row_units,
                            p->state_rescale + 9 * u, row_units, multiply);
                const int32_t argument = tk_clip16(tk_clip16(given[1]) + tk_clip16(made[1]));
                reset_state[u] = (int16_t)tk_gru_rounded(tk_sigmoid16(argument, table) * hidden[u]);
            }
            from = reset_state;
        }
        for (int32_t u = 0; u < units; ++u) {
            int32_t given[3], made[3], candidate;
            tk_gru_sums(given, x, p->in_weights + 3 * u * row_values, p->in_rescale + 9 * u,
                        row_values, multiply);
            tk_gru_sums(made, hidden, p->state_weights + 3 * u * row_units,
                        p->state_rescale + 9 * u, row_units, multiply);
            const int32_t update =
                tk_sigmoid16(tk_clip16(tk_clip16(given[0]) + tk_clip16(made[0])), table);
            if (p->reset_after) {
                const int32_t argument = tk_clip16(tk_clip16(given[1]) + tk_clip16(made[1]));
                const int32_t reset = tk_sigmoid16(argument, table);
                candidate = tk_gru_rounded(reset * tk_clamp(made[2], -TK_GRU_LIMIT, TK_GRU_LIMIT));
            } else {
                tk_gru_sums(made, from, p->state_weights + 3 * u * row_units,
                            p->state_rescale + 9 * u, row_units, multiply);
                candidate = tk_clip16(made[2]);
            }
            const int32_t now =
                tk_gru_mixed(update, hidden[u], tk_clip16(given[2]) + candidate, table);
            next[u] = (int16_t)now;
            tk_recurrent_put(out, bytes, first_out + u,
                             tk_requantize(now, p->out_multiplier, p->out_shift) +
                                 p->out_zero_point);
        }
        for (int32_t u = 0; u < units; ++u) {
            hidden[u] = next[u];
        }
    }
}

#endif
