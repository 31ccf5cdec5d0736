/* SPDX-License-Identifier: Apache-2.0 */
/* Sum of two int8 tensors with broadcasting (TFLite ADD). */
#ifndef TK_ADD_S8_H
#define TK_ADD_S8_H

#include "tk_sum_s8.h"

typedef tk_sum_s8_params tk_add_s8_params;

/* out [product of dims] may be an operand of the same size.  Scratch: none. */
void tk_add_s8(const tk_add_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out);

#endif
