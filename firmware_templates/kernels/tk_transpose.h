/* Permutation of axes (TFLite TRANSPOSE), elements of 1 or 2 bytes, up to 5 dimensions. */
#ifndef TK_TRANSPOSE_H
#define TK_TRANSPOSE_H

#include "tk_common.h"

typedef struct {
    int32_t element_bytes;     /* 1 or 2 */
    const int32_t *out_shape;  /* [5], leading dimensions 1 */
    const int32_t *in_strides; /* [5], elements between neighbours along each output axis */
} tk_transpose_params;

/* Whole tensor; in and out must not overlap, and are aligned to their elements. */
void tk_transpose(const tk_transpose_params *p, const void *in, void *out);

#endif
