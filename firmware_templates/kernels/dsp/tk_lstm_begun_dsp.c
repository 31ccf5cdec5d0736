/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_lstm_begun_dsp.h"

#include "tk_lstm_begun_loop.h"

void tk_lstm_begun_dsp(const tk_lstm_begun_dsp_params *p, const void *in, const int16_t *hidden,
                       const int16_t *cell, int16_t *out, void *state) {
    tk_lstm_begun_steps(p, in, hidden, cell, out, state, tk_lstm_dsp_row);
}
