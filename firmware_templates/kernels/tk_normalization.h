/* SPDX-License-Identifier: Apache-2.0 */
/* Each row less its mean, over its standard deviation, times gains, plus offsets. */
#ifndef TK_NORMALIZATION_H
#define TK_NORMALIZATION_H

#include "tk_common.h"

typedef struct {
    int32_t element_bytes; /* of the input: 1 or 2 */
    int32_t out_bytes;
    int32_t rows, count;
    int32_t centred; /* 0: no mean is taken off */
    int32_t in_zero_point, out_zero_point;
    int32_t shift; /* of a normalised value times its gain, to 256ths of an output step */
    int32_t added_low, added_high; /* to the squares: high * 2^31 + low */
    const int32_t *gains;          /* [count] */
    const int32_t *offsets;        /* [count], in 256ths of an output step */
} tk_normalization_params;

/* in and out [rows][count].  Scratch: none. */
void tk_normalization(const tk_normalization_params *p, const void *in, void *out);

#endif
