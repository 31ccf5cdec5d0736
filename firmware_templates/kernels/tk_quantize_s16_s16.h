/* SPDX-License-Identifier: Apache-2.0 */
/* Change of quantisation from int16 to int16 (TFLite QUANTIZE). */
#ifndef TK_QUANTIZE_S16_S16_H
#define TK_QUANTIZE_S16_S16_H

#include "tk_common.h"

typedef struct {
    int32_t count;
    int32_t in_zero_point, out_zero_point;
    int32_t multiplier, shift;
} tk_quantize_s16_s16_params;

/* in and out [count], possibly the same.  Scratch: none. */
void tk_quantize_s16_s16(const tk_quantize_s16_s16_params *p, const int16_t *in, int16_t *out);

#endif
