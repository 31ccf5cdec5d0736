/* SPDX-License-Identifier: Apache-2.0 */
/* An LSTM as tk_lstm_dsp, int16, from a computed state; hidden states and cells of one scale are
 * its output. */
#ifndef TK_LSTM_BEGUN_DSP_H
#define TK_LSTM_BEGUN_DSP_H

#include "tk_lstm_dsp.h"

typedef tk_lstm_params tk_lstm_begun_dsp_params;

/* in [steps][inner][inputs], hidden and cell [inner][units], out [steps][2][inner][units]: hidden
 * states, then cells.  Scratch: the state of tk_lstm. */
void tk_lstm_begun_dsp(const tk_lstm_begun_dsp_params *p, const void *in, const int16_t *hidden,
                       const int16_t *cell, int16_t *out, void *state);

#endif
