/* SPDX-License-Identifier: Apache-2.0 */
/* Joining up to four tensors along an axis (TFLite CONCATENATION), any element type. */
#ifndef TK_CONCATENATION_H
#define TK_CONCATENATION_H

#include "tk_common_368921da.h"

typedef struct {
    int32_t blocks;             /* product of the dimensions before the axis */
    const int32_t *block_bytes; /* [4], bytes each input gives to a block; 0 for an absent input */
} tk_713a21d0_concatenation_params;

/* Whole tensors; out overlaps no input.  An absent input may be any pointer. */
void tk_713a21d0_concatenation(const tk_713a21d0_concatenation_params *p, const void *in_0, const void *in_1,
                      const void *in_2, const void *in_3, void *out);

#endif
