/* SPDX-License-Identifier: Apache-2.0 */
/* Largest value of each channel over all positions, int8: a MAX_POOL_2D whose window is the input.
 *
 * The unit of work is a block of positions: the whole tensor, or one row of a stream.
 */
#ifndef TK_MAX_POOL_GLOBAL_S8_H
#define TK_MAX_POOL_GLOBAL_S8_H

#include "tk_pool_global.h"

typedef tk_pool_global_params tk_max_pool_global_s8_params;

/* Running maxima [channels] of a stream. */
void tk_max_pool_global_s8_init(const tk_max_pool_global_s8_params *p, int8_t *largest);

/* Adds [positions][channels] values. */
void tk_max_pool_global_s8_accumulate_row(const tk_max_pool_global_s8_params *p, const int8_t *in,
                                          int8_t *largest);

/* Takes in the maxima of other rows. */
void tk_max_pool_global_s8_merge(const tk_max_pool_global_s8_params *p, int8_t *largest,
                                 const int8_t *block);

/* Outputs [channels]; the maxima stay as they are.  out may be the maxima. */
void tk_max_pool_global_s8_finish(const tk_max_pool_global_s8_params *p, const int8_t *largest,
                                  int8_t *out);

/* Whole tensor; out [channels] must not overlap in.  Scratch: none. */
void tk_max_pool_global_s8(const tk_max_pool_global_s8_params *p, const int8_t *in, int8_t *out);

#endif
