/* SPDX-License-Identifier: Apache-2.0 */
/* Average over all positions of each channel, int16: an AVERAGE_POOL_2D whose window is the input.
 *
 * The unit of work is a block of positions added to running sums: the whole tensor, or one row of a
 * stream.
 */
#ifndef TK_AVERAGE_POOL_GLOBAL_S16_H
#define TK_AVERAGE_POOL_GLOBAL_S16_H

#include "tk_pool_global.h"

typedef tk_pool_global_params tk_average_pool_global_s16_params;

/* Running sums: sums [channels], behind them how many positions they hold; at most 2^15. */
void tk_average_pool_global_s16_init(const tk_average_pool_global_s16_params *p, int32_t *sums);

/* Adds [positions][channels] values. */
void tk_average_pool_global_s16_accumulate_row(const tk_average_pool_global_s16_params *p,
                                               const int16_t *in, int32_t *sums);

/* Adds the sums of other rows. */
void tk_average_pool_global_s16_merge(const tk_average_pool_global_s16_params *p, int32_t *sums,
                                      const int32_t *block);

/* The means [channels] of all positions added, at least one; the sums stay as they are. */
void tk_average_pool_global_s16_finish(const tk_average_pool_global_s16_params *p,
                                       const int32_t *sums, int16_t *out);

/* Whole tensor.  Scratch: channels + 1 int32, aligned to 4 bytes. */
void tk_average_pool_global_s16(const tk_average_pool_global_s16_params *p, const int16_t *in,
                                int16_t *out, void *scratch);

#endif
