/* SPDX-License-Identifier: Apache-2.0 */
/* Copy of a strided view (TFLite TRANSPOSE, STRIDED_SLICE), elements of 1 or 2 bytes, up to 5
 * dimensions. */
#ifndef TK_STRIDED_COPY_H
#define TK_STRIDED_COPY_H

#include "tk_common.h"

typedef struct {
    int32_t element_bytes;     /* 1 or 2 */
    int32_t first;             /* the element at the output's origin */
    const int32_t *out_shape;  /* [5], leading dimensions 1 */
    const int32_t *in_strides; /* [5], elements between neighbours along each output axis */
} tk_strided_copy_params;

/* Whole tensor; in and out must not overlap, and are aligned to their elements. */
void tk_strided_copy(const tk_strided_copy_params *p, const void *in, void *out);

/* One row of a stream, for which the parameters are of one row: rows[0] is it. */
void tk_strided_copy_row(const tk_strided_copy_params *p, const void *const *rows, void *out);

#endif
