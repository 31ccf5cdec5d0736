/* SPDX-License-Identifier: Apache-2.0 */
/* GRU over a sequence (custom operator tk.gru), int8 or int16, with an int16 state of 15 fractional
 * bits.
 *
 * `inner` sequences side by side, `outer` times one after the other, each time from the initial
 * state.  Gates are in the order update, reset, candidate.
 */
#ifndef TK_GRU_H
#define TK_GRU_H

#include "tk_common.h"

typedef struct {
    int32_t element_bytes; /* of in and out, 1 or 2 */
    int32_t outer, steps, inner;
    int32_t inputs, units;
    int32_t reverse;     /* 1: from the last step to the first */
    int32_t reset_after; /* 1: the reset gate works on the state's products, else on the state */
    int32_t in_zero_point, out_zero_point;
    int32_t out_multiplier, out_shift;
    const int32_t *in_rescale;    /* [units][3] records of tk_recurrent.h */
    const int32_t *state_rescale; /* the same */
    const int8_t *in_weights;     /* [units][3][inputs] */
    const int8_t *state_weights;  /* [units][3][units] */
    int32_t given;                /* 1: there is an initial state, else it is 0 */
    const int16_t *initial;       /* [inner][units] */
    const int16_t *sigmoid;       /* [256] */
} tk_gru_params;

/* The initial state; state: 2 * (inputs + (2 + inner) * units) bytes, 4-byte aligned, inputs and
 * units filled up to fours. */
void tk_gru_init(const tk_gru_params *p, void *state);

/* One step: in [inner][inputs], out [inner][units]. */
void tk_gru_row(const tk_gru_params *p, const void *in, void *out, void *state);

/* Whole tensors [outer][steps][inner][inputs]; the state is scratch. */
void tk_gru(const tk_gru_params *p, const void *in, void *out, void *state);

#endif
