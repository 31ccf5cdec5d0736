/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_lstm_dsp.h"

#include "tk_lstm_step.h"
#include "tk_recurrent_dsp.h"

void tk_lstm_dsp_init(const tk_lstm_dsp_params *p, void *state) {
    tk_lstm_init(p, state);
}

void tk_lstm_dsp_row(const tk_lstm_dsp_params *p, const void *in, void *out, void *state) {
    tk_lstm_steps(p, in, out, state, tk_recurrent_filled(p->inputs), tk_recurrent_filled(p->units),
                  tk_recurrent_words, tk_recurrent_rescale_dsp);
}

void tk_lstm_dsp(const tk_lstm_dsp_params *p, const void *in, void *out, void *state) {
    const int32_t values = p->inner * p->element_bytes;
    for (int32_t outer = 0; outer < p->outer; ++outer) {
        tk_lstm_dsp_init(p, state);
        for (int32_t step = 0; step < p->steps; ++step) {
            const ptrdiff_t at = tk_recurrent_row(outer, step, p->steps, p->reverse, values);
            tk_lstm_dsp_row(p, (const char *)in + at * p->inputs, (char *)out + at * p->units,
                            state);
        }
    }
}
