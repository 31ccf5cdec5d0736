/* SPDX-License-Identifier: Apache-2.0 */
/* Variance over neighbouring axes, or its root, int8 in, int8 or int16 out (custom operator
 * tk.variance).
 *
 * Layout: in [outer][count][inner], out [outer][inner].  The sums are exact: a stream, whose rows
 * hold `count` values each and outer is 1, gives the bits of a whole tensor.
 */
#ifndef TK_VARIANCE_H
#define TK_VARIANCE_H

#include "tk_spread.h"

typedef struct {
    int32_t element_bytes; /* of the result, 1 or 2 */
    int32_t outer, count, inner;
    int32_t correction; /* the divisor is the number of values less this */
    int32_t in_zero_point;
    int32_t added, least; /* to the variance and of it, 16 fractional bits */
    int32_t root;         /* 1: standard deviation */
    int32_t out_zero_point;
    int32_t multiplier, shift; /* input scale (or its square) / output scale, less the fraction */
} tk_variance_params;

/* Sums of values less the zero point, and of their squares. */
typedef struct {
    int64_t sum, squares;
} tk_variance_sum;

/* The state of a stream: how many values went into each sum, an int64, then sums [inner]; 8 + 16 *
 * inner bytes, 8-byte aligned.  At most 2^23 values. */
void tk_variance_init(const tk_variance_params *p, void *state);

/* Adds [count][inner] values. */
void tk_variance_accumulate_row(const tk_variance_params *p, const void *in, void *state);

/* Adds the sums of other rows. */
void tk_variance_merge(const tk_variance_params *p, void *state, const void *block);

/* The variances [inner] of all values added, more than the correction; the sums stay as they are.
 */
void tk_variance_finish(const tk_variance_params *p, const void *state, void *out);

/* Whole tensor.  Scratch: as the state of a stream. */
void tk_variance(const tk_variance_params *p, const void *in, void *out, void *scratch);

#endif
