/* SPDX-License-Identifier: Apache-2.0 */
/* The larger or the smaller of two values of one scale, with broadcasting (TFLite MAXIMUM,
 * MINIMUM).
 *
 * A nest of four loops, outermost first; a stride of 0 repeats the operand along that dimension.
 */
#ifndef TK_EXTREMUM_H
#define TK_EXTREMUM_H

#include "tk_common.h"

typedef struct {
    int32_t element_bytes;    /* 1 or 2 */
    int32_t largest;          /* 0: the smaller */
    const int32_t *dims;      /* [4] */
    const int32_t *a_strides; /* [4], the last 0 or 1 */
    const int32_t *b_strides; /* [4], the last 0 or 1 */
} tk_extremum_params;

/* out [product of dims] may be an operand of the same size.  Scratch: none. */
void tk_extremum(const tk_extremum_params *p, const void *a, const void *b, void *out);

#endif
