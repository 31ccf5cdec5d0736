/* SPDX-License-Identifier: Apache-2.0 */
/* Change of quantisation from int8 to int16 (TFLite QUANTIZE). */
#ifndef TK_QUANTIZE_S8_S16_H
#define TK_QUANTIZE_S8_S16_H

#include "tk_common.h"

typedef struct {
    int32_t count;
    int32_t in_zero_point, out_zero_point;
    int32_t multiplier, shift;
} tk_quantize_s8_s16_params;

/* in and out [count]; the two must not overlap.  Scratch: none. */
void tk_quantize_s8_s16(const tk_quantize_s8_s16_params *p, const int8_t *in, int16_t *out);

#endif
