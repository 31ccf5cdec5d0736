/* SPDX-License-Identifier: Apache-2.0 */
/* Sum over neighbouring axes, int8 (TFLite SUM).
 *
 * Layout: in [outer][summed][inner], out [outer][inner].  A stream sums over time: its rows hold
 * `summed` values each and outer is 1.
 */
#ifndef TK_REDUCE_SUM_S8_H
#define TK_REDUCE_SUM_S8_H

#include "tk_common.h"

typedef struct {
    int32_t outer, summed, inner;
    int32_t in_zero_point, out_zero_point;
    int32_t multiplier, shift; /* input scale / output scale */
} tk_reduce_sum_s8_params;

/* Running sums [inner], behind them how many values each holds; the largest sum less its zero
 * points stays within 32 bits, also shifted left by a positive shift. */
void tk_reduce_sum_s8_init(const tk_reduce_sum_s8_params *p, int32_t *sums);

/* Adds [summed][inner] values. */
void tk_reduce_sum_s8_accumulate_row(const tk_reduce_sum_s8_params *p, const int8_t *in,
                                     int32_t *sums);

/* Adds the sums of other rows. */
void tk_reduce_sum_s8_merge(const tk_reduce_sum_s8_params *p, int32_t *sums, const int32_t *block);

/* The sums [inner] in the output's type; the running ones stay as they are. */
void tk_reduce_sum_s8_finish(const tk_reduce_sum_s8_params *p, const int32_t *sums, int8_t *out);

/* Whole tensor.  Scratch: inner + 1 int32, aligned to 4 bytes. */
void tk_reduce_sum_s8(const tk_reduce_sum_s8_params *p, const int8_t *in, int8_t *out,
                      void *scratch);

#endif
