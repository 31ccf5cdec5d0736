/* SPDX-License-Identifier: Apache-2.0 */
/* What an SVDF layer's filters remember, a step on (custom operator tk.svdf_state): each filter of
 * the int8 input behind its last values. */
#ifndef TK_SVDF_STATE_H
#define TK_SVDF_STATE_H

#include "tk_common.h"

typedef struct {
    int32_t element_bytes; /* of the state, 1 or 2 */
    int32_t values, filters, memory;
    int32_t in_zero_point, state_zero_point;
    int32_t multiplier, shift;
    const int8_t *weights; /* [filters][values] */
} tk_svdf_state_params;

/* in [values], state and out [filters][memory]; out may be state.  Scratch: none. */
void tk_svdf_state(const tk_svdf_state_params *p, const void *in, const void *state, void *out);

#endif
