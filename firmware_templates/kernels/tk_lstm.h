/* SPDX-License-Identifier: Apache-2.0 */
/* LSTM over a sequence (TFLite UNIDIRECTIONAL_SEQUENCE_LSTM), int8 or int16, with an int16 cell.
 *
 * `inner` sequences side by side, `outer` times one after the other, each time from the initial
 * state.  Gates are in the order input, forget, cell, output.
 */
#ifndef TK_LSTM_H
#define TK_LSTM_H

#include "tk_common.h"

typedef struct {
    int32_t element_bytes; /* of in and out, 1 or 2 */
    int32_t outer, steps, inner;
    int32_t inputs, units;
    int32_t reverse; /* 1: from the last step to the first */
    int32_t in_zero_point, out_zero_point;
    int32_t added_shift; /* fractional bits less one that a product of gates loses to the cell */
    int32_t cell_clip;   /* largest magnitude, 0: none */
    int32_t tanh_multiplier, tanh_shift;
    int32_t hidden_multiplier, hidden_shift;
    const int32_t *rescale;      /* [4][input, state] records of tk_recurrent.h, without bias */
    const int8_t *in_weights;    /* [units][4][inputs] */
    const int8_t *state_weights; /* [units][4][units] */
    const int32_t *bias;         /* [units][4] */
    int32_t given;               /* 1: there is an initial state, else it is 0 */
    const int16_t *initial;      /* [inner][hidden less its zero point, cell][units] */
    const int16_t *sigmoid;      /* [256] */
} tk_lstm_params;

/* The initial state; state: 2 * (inputs + (1 + 2 * inner) * units) bytes, 4-byte aligned, inputs
 * and units filled up to fours. */
void tk_lstm_init(const tk_lstm_params *p, void *state);

/* One step: in [inner][inputs], out [inner][units]. */
void tk_lstm_row(const tk_lstm_params *p, const void *in, void *out, void *state);

/* Whole tensors [outer][steps][inner][inputs]; the state is scratch. */
void tk_lstm(const tk_lstm_params *p, const void *in, void *out, void *state);

#endif
