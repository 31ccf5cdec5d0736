/* SPDX-License-Identifier: Apache-2.0 */
/* Sum of two int16 tensors with broadcasting (TFLite ADD). */
#ifndef TK_ADD_S16_H
#define TK_ADD_S16_H

#include "tk_sum_s16.h"

typedef tk_sum_s16_params tk_add_s16_params;

/* out [product of dims] may be an operand of the same size.  Scratch: none. */
void tk_add_s16(const tk_add_s16_params *p, const int16_t *a, const int16_t *b, int16_t *out);

#endif
