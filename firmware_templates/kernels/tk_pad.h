/* SPDX-License-Identifier: Apache-2.0 */
/* Padding of up to four dimensions with one value (TFLite PAD, PADV2), elements of 1 or 2 bytes. */
#ifndef TK_PAD_H
#define TK_PAD_H

#include "tk_common.h"

typedef struct {
    int32_t element_bytes; /* 1 or 2 */
    const int32_t *dims;   /* [4] of the input, outermost first */
    const int32_t *before; /* [4] elements added before each dimension */
    const int32_t *after;  /* [4] elements added after each dimension */
    int32_t value;
} tk_pad_params;

/* out has before + dims + after elements along each dimension and must not overlap in; both are
 * aligned to their elements.  Scratch: none. */
void tk_pad(const tk_pad_params *p, const void *in, void *out);

/* One row of a stream, for which dims, before and after are of one row: rows[0], padded, or all
 * padding where it is NULL. */
void tk_pad_row(const tk_pad_params *p, const void *const *rows, void *out);

#endif
