/* SPDX-License-Identifier: Apache-2.0 */
/* What the pools share whose window is the input.
 *
 * Layout: [positions][channels]; input and output share one quantisation.
 */
#ifndef TK_POOL_GLOBAL_H
#define TK_POOL_GLOBAL_H

#include "tk_common.h"

typedef struct {
    int32_t positions, channels;
    int32_t out_min, out_max;
} tk_pool_global_params;

#endif
