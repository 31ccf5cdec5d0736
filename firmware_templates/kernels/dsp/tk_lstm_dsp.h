/* SPDX-License-Identifier: Apache-2.0 */
/* An LSTM as tk_lstm, its weights packed for dual multiply-accumulate (tk_recurrent_dsp.h). */
#ifndef TK_LSTM_DSP_H
#define TK_LSTM_DSP_H

#include "tk_lstm.h"

typedef tk_lstm_params tk_lstm_dsp_params;

void tk_lstm_dsp_init(const tk_lstm_dsp_params *p, void *state);
void tk_lstm_dsp_row(const tk_lstm_dsp_params *p, const void *in, void *out, void *state);
void tk_lstm_dsp(const tk_lstm_dsp_params *p, const void *in, void *out, void *state);

#endif
