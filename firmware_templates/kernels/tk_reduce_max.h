/* SPDX-License-Identifier: Apache-2.0 */
/* Largest value over neighbouring axes (TFLite REDUCE_MAX), elements of 1 or 2 bytes, signed.
 *
 * Layout: in [outer][count][inner], out [outer][inner].  A stream reduces time: its rows hold
 * `count` values each and outer is 1.
 */
#ifndef TK_REDUCE_MAX_H
#define TK_REDUCE_MAX_H

#include "tk_common.h"

typedef struct {
    int32_t element_bytes; /* 1 or 2 */
    int32_t outer, count, inner;
} tk_reduce_max_params;

/* The largest so far, [inner] elements. */
void tk_reduce_max_init(const tk_reduce_max_params *p, void *largest);

/* Takes [count][inner] values into account. */
void tk_reduce_max_accumulate_row(const tk_reduce_max_params *p, const void *in, void *largest);

/* Takes the largest of other rows into account. */
void tk_reduce_max_merge(const tk_reduce_max_params *p, void *largest, const void *block);

/* out [inner], after at least one row. */
void tk_reduce_max_finish(const tk_reduce_max_params *p, const void *largest, void *out);

/* Whole tensor.  Scratch: inner elements, aligned to them. */
void tk_reduce_max(const tk_reduce_max_params *p, const void *in, void *out, void *scratch);

#endif
