/* SPDX-License-Identifier: Apache-2.0 */
/* int16 values, times a slope where they are negative (TFLite LEAKY_RELU). */
#ifndef TK_LEAKY_RELU_S16_H
#define TK_LEAKY_RELU_S16_H

#include "tk_common.h"

typedef struct {
    int32_t count;
    int32_t above_multiplier, above_shift, below_multiplier, below_shift;
} tk_leaky_relu_s16_params;

/* in and out [count], possibly the same.  Scratch: none. */
void tk_leaky_relu_s16(const tk_leaky_relu_s16_params *p, const int16_t *in, int16_t *out);

#endif
