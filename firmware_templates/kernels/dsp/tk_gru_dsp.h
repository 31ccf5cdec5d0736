/* SPDX-License-Identifier: Apache-2.0 */
/* A GRU as tk_gru, its weights packed for dual multiply-accumulate (tk_recurrent_dsp.h). */
#ifndef TK_GRU_DSP_H
#define TK_GRU_DSP_H

#include "tk_gru.h"

typedef tk_gru_params tk_gru_dsp_params;

void tk_gru_dsp_init(const tk_gru_dsp_params *p, void *state);
void tk_gru_dsp_row(const tk_gru_dsp_params *p, const void *in, void *out, void *state);
void tk_gru_dsp(const tk_gru_dsp_params *p, const void *in, void *out, void *state);

#endif
