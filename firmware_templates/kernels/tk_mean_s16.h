/* SPDX-License-Identifier: Apache-2.0 */
/* Mean over neighbouring axes, int16 (TFLite MEAN).
 *
 * Layout: in [outer][averaged][inner], out [outer][inner].  TFLM divides the rescaling by the
 * number of averaged values, in integers; so does this kernel, once a mean.  A stream averages over
 * time: its rows hold `averaged` values each and outer is 1.
 */
#ifndef TK_MEAN_S16_H
#define TK_MEAN_S16_H

#include "tk_common.h"

typedef struct {
    int32_t outer, averaged, inner;
    int32_t multiplier, shift; /* input scale / output scale */
} tk_mean_s16_params;

/* Running sums of a mean: sums [inner], behind them how many values each holds; at most 65,535
 * values. */
void tk_mean_s16_init(const tk_mean_s16_params *p, int32_t *sums);

/* Adds [averaged][inner] values. */
void tk_mean_s16_accumulate_row(const tk_mean_s16_params *p, const int16_t *in, int32_t *sums);

/* Adds the sums of other rows. */
void tk_mean_s16_merge(const tk_mean_s16_params *p, int32_t *sums, const int32_t *block);

/* The means [inner] of all values added, at least one; the sums stay as they are. */
void tk_mean_s16_finish(const tk_mean_s16_params *p, const int32_t *sums, int16_t *out);

/* Whole tensor.  Scratch: inner + 1 int32, aligned to 4 bytes. */
void tk_mean_s16(const tk_mean_s16_params *p, const int16_t *in, int16_t *out, void *scratch);

#endif
