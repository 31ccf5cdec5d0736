/* SPDX-License-Identifier: Apache-2.0 */
/* Sum over neighbouring axes, int16 (TFLite SUM).
 *
 * Layout: in [outer][summed][inner], out [outer][inner].  A stream sums over time: its rows hold
 * `summed` values each and outer is 1.
 */
#ifndef TK_REDUCE_SUM_S16_H
#define TK_REDUCE_SUM_S16_H

#include "tk_common.h"

typedef struct {
    int32_t outer, summed, inner;
    int32_t multiplier, shift; /* input scale / output scale */
} tk_reduce_sum_s16_params;

/* Running sums [inner]; the largest stays within 32 bits, also shifted left by a positive shift. */
void tk_reduce_sum_s16_init(const tk_reduce_sum_s16_params *p, int32_t *sums);

/* Adds [summed][inner] values. */
void tk_reduce_sum_s16_accumulate_row(const tk_reduce_sum_s16_params *p, const int16_t *in,
                                      int32_t *sums);

/* Adds the sums of other rows. */
void tk_reduce_sum_s16_merge(const tk_reduce_sum_s16_params *p, int32_t *sums,
                             const int32_t *block);

/* The sums [inner] in the output's type; the running ones stay as they are. */
void tk_reduce_sum_s16_finish(const tk_reduce_sum_s16_params *p, const int32_t *sums, int16_t *out);

/* Whole tensor.  Scratch: inner + 1 int32 (the last is unused), aligned to 4 bytes. */
void tk_reduce_sum_s16(const tk_reduce_sum_s16_params *p, const int16_t *in, int16_t *out,
                       void *scratch);

#endif
