/* SPDX-License-Identifier: Apache-2.0 */
/* Any function of one int8 value, as a table: RELU, RELU6, LOGISTIC, TANH, HARD_SWISH, and QUANTIZE
 * from int8 to int8. */
#ifndef TK_LOOKUP_S8_H
#define TK_LOOKUP_S8_H

#include "tk_common.h"

typedef struct {
    int32_t count;
    const int8_t *table; /* [256], entry i for the value i - 128 */
} tk_lookup_s8_params;

/* in and out [count], possibly the same.  Scratch: none. */
void tk_lookup_s8(const tk_lookup_s8_params *p, const int8_t *in, int8_t *out);

#endif
