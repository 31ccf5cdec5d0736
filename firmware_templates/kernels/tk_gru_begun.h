/* SPDX-License-Identifier: Apache-2.0 */
/* A GRU as tk_gru whose initial state is computed: what the network's user gives, or what its last
 * step left. */
#ifndef TK_GRU_BEGUN_H
#define TK_GRU_BEGUN_H

#include "tk_gru.h"

typedef tk_gru_params tk_gru_begun_params;

/* Whole tensors [1][steps][inner][inputs]; begin [inner][units] has 15 fractional bits. */
void tk_gru_begun(const tk_gru_begun_params *p, const void *in, const int16_t *begin, void *out,
                  void *state);

#endif
