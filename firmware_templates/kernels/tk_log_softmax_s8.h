/* SPDX-License-Identifier: Apache-2.0 */
/* Logarithm of softmax of each row, int8 (TFLite LOG_SOFTMAX); output scale 1/16, zero point 127.
 *
 * The exponentials come from a table over the distance to the row's maximum.
 */
#ifndef TK_LOG_SOFTMAX_S8_H
#define TK_LOG_SOFTMAX_S8_H

#include "tk_common.h"

typedef struct {
    int32_t rows, depth;                 /* depth at most 4095 */
    int32_t multiplier, shift;           /* from steps of the input to 26 fractional bits */
    int32_t back_multiplier, back_shift; /* and back */
    int32_t least;                       /* difference to the maximum that still counts */
    const int32_t *exp_table;            /* [256], 19 fractional bits */
} tk_log_softmax_s8_params;

/* in and out [rows][depth], possibly the same.  Scratch: none. */
void tk_log_softmax_s8(const tk_log_softmax_s8_params *p, const int8_t *in, int8_t *out);

#endif
