/* SPDX-License-Identifier: Apache-2.0 */
/* Units of an SVDF layer (custom operator tk.svdf): weighted sums of what their filters remember.
 */
#ifndef TK_SVDF_H
#define TK_SVDF_H

#include "tk_common.h"

typedef struct {
    int32_t element_bytes; /* of the state, 1 or 2 */
    int32_t units, taps;   /* values of the state, all filters of a unit */
    int32_t state_zero_point, out_zero_point;
    int32_t multiplier, shift;
    const int16_t *weights; /* [units][taps] */
    const int32_t *bias;    /* [units] */
} tk_svdf_params;

/* state [units][taps], out int8 [units].  Scratch: none. */
void tk_svdf(const tk_svdf_params *p, const void *state, void *out);

#endif
