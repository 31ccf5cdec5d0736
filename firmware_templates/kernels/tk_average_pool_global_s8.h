/* Average over all positions of each channel, int8: an AVERAGE_POOL_2D whose window is the input.
 *
 * Layout: [positions][channels]; input and output share one quantisation.  The unit of work is any
 * number of positions added to running sums, so that a stream of rows gives the same bits.
 */
#ifndef TK_AVERAGE_POOL_GLOBAL_S8_H
#define TK_AVERAGE_POOL_GLOBAL_S8_H

#include "tk_common.h"

typedef struct {
    int32_t positions, channels;
    int32_t out_min, out_max;
} tk_average_pool_global_s8_params;

/* Add positions to sums [channels], which start at 0; at most 2^24 positions in all. */
void tk_average_pool_global_s8_add(const tk_average_pool_global_s8_params *p, const int8_t *in,
                                   int32_t positions, int32_t *sums);

/* The means of all positions added so far. */
void tk_average_pool_global_s8_finish(const tk_average_pool_global_s8_params *p,
                                      const int32_t *sums, int32_t positions, int8_t *out);

/* Whole tensor.  Scratch: channels int32, aligned to 4 bytes. */
void tk_average_pool_global_s8(const tk_average_pool_global_s8_params *p, const int8_t *in,
                               int8_t *out, void *scratch);

#endif
