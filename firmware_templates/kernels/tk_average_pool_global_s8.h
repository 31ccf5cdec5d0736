/* SPDX-License-Identifier: Apache-2.0 */
/* Average over all positions of each channel, int8: an AVERAGE_POOL_2D whose window is the input.
 *
 * The unit of work is a block of positions added to running sums: the whole tensor, or one row of a
 * stream.
 */
#ifndef TK_AVERAGE_POOL_GLOBAL_S8_H
#define TK_AVERAGE_POOL_GLOBAL_S8_H

#include "tk_pool_global.h"

typedef tk_pool_global_params tk_average_pool_global_s8_params;

/* Running sums: sums [channels], behind them how many positions they hold; at most 2^23. */
void tk_average_pool_global_s8_init(const tk_average_pool_global_s8_params *p, int32_t *sums);

/* Adds [positions][channels] values. */
void tk_average_pool_global_s8_accumulate_row(const tk_average_pool_global_s8_params *p,
                                              const int8_t *in, int32_t *sums);

/* Adds the sums of other rows. */
void tk_average_pool_global_s8_merge(const tk_average_pool_global_s8_params *p, int32_t *sums,
                                     const int32_t *block);

/* The means [channels] of all positions added, at least one; the sums stay as they are. */
void tk_average_pool_global_s8_finish(const tk_average_pool_global_s8_params *p,
                                      const int32_t *sums, int8_t *out);

/* Whole tensor.  Scratch: channels + 1 int32, aligned to 4 bytes. */
void tk_average_pool_global_s8(const tk_average_pool_global_s8_params *p, const int8_t *in,
                               int8_t *out, void *scratch);

#endif
