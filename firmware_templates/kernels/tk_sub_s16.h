/* SPDX-License-Identifier: Apache-2.0 */
/* Difference of two int16 tensors with broadcasting (TFLite SUB). */
#ifndef TK_SUB_S16_H
#define TK_SUB_S16_H

#include "tk_sum_s16.h"

typedef tk_sum_s16_params tk_sub_s16_params;

/* out [product of dims] may be an operand of the same size.  Scratch: none. */
void tk_sub_s16(const tk_sub_s16_params *p, const int16_t *a, const int16_t *b, int16_t *out);

#endif
