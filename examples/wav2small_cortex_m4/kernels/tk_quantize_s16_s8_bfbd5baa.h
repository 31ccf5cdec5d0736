/* SPDX-License-Identifier: Apache-2.0 */
/* Change of quantisation from int16 to int8 (TFLite QUANTIZE). */
#ifndef TK_QUANTIZE_S16_S8_H
#define TK_QUANTIZE_S16_S8_H

#include "tk_common_368921da.h"

typedef struct {
    int32_t count;
    int32_t in_zero_point, out_zero_point;
    int32_t multiplier, shift;
} tk_bfbd5baa_quantize_s16_s8_params;

/* in and out [count]; the two must not overlap.  Scratch: none. */
void tk_bfbd5baa_quantize_s16_s8(const tk_bfbd5baa_quantize_s16_s8_params *p, const int16_t *in, int8_t *out);

#endif
