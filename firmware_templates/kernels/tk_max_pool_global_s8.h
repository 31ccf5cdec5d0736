/* Largest value of each channel over all positions, int8: a MAX_POOL_2D whose window is the input.
 *
 * Layout: [positions][channels]; input and output share one quantisation.
 */
#ifndef TK_MAX_POOL_GLOBAL_S8_H
#define TK_MAX_POOL_GLOBAL_S8_H

#include "tk_common.h"

typedef struct {
    int32_t positions, channels;
    int32_t out_min, out_max;
} tk_max_pool_global_s8_params;

/* Whole tensor; out [channels] must not overlap in.  Scratch: none. */
void tk_max_pool_global_s8(const tk_max_pool_global_s8_params *p, const int8_t *in, int8_t *out);

#endif
