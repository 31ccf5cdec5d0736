/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of an LSTM from a computed state, whatever runs a step. */
#ifndef TK_LSTM_BEGUN_LOOP_H
#define TK_LSTM_BEGUN_LOOP_H

#include "tk_lstm.h"
#include "tk_recurrent.h"

typedef void (*tk_lstm_one_row)(const tk_lstm_params *p, const void *in, void *out, void *state);

/* The vectors of the states: of each sequence hidden state and cell. */
TK_INLINE int16_t *tk_lstm_kept(const tk_lstm_params *p, void *state, int32_t sequence) {
    const int32_t size = tk_recurrent_filled(p->units);
    return (int16_t *)state + tk_recurrent_filled(p->inputs) + size * (1 + 2 * sequence);
}

TK_INLINE void tk_lstm_begun_steps(const tk_lstm_params *p, const void *in, const int16_t *hidden,
                                   const int16_t *cell, int16_t *out, void *state,
                                   tk_lstm_one_row run) {
    const int32_t units = p->units, size = tk_recurrent_filled(units), all = p->inner * units;
    tk_lstm_init(p, state);
    for (int32_t sequence = 0; sequence < p->inner; ++sequence) {
        int16_t *const to = tk_lstm_kept(p, state, sequence);
        for (int32_t u = 0; u < units; ++u) {
            to[u] = hidden[sequence * units + u];
            to[size + u] = cell[sequence * units + u];
        }
    }
    for (int32_t step = 0; step < p->steps; ++step, out += 2 * all) {
        run(p, (const int16_t *)in + step * p->inner * p->inputs, out, state);
        for (int32_t sequence = 0; sequence < p->inner; ++sequence) {
            const int16_t *const from = tk_lstm_kept(p, state, sequence) + size;
            for (int32_t u = 0; u < units; ++u) {
                out[all + sequence * units + u] = from[u];
            }
        }
    }
}

#endif
