/* Regular part of a tensor (TFLite STRIDED_SLICE), elements of 1 or 2 bytes, up to 4 dimensions. */
#ifndef TK_STRIDED_SLICE_H
#define TK_STRIDED_SLICE_H

#include "tk_common.h"

typedef struct {
    int32_t element_bytes;     /* 1 or 2 */
    int32_t first;             /* the element at the output's origin */
    const int32_t *out_shape;  /* [4], leading dimensions 1 */
    const int32_t *in_strides; /* [4], elements between neighbours along each output axis */
} tk_strided_slice_params;

/* Whole tensor; in and out must not overlap, and are aligned to their elements. */
void tk_strided_slice(const tk_strided_slice_params *p, const void *in, void *out);

#endif
