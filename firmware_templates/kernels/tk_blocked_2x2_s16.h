/* SPDX-License-Identifier: Apache-2.0 */
/* The products of two pixels and two channels, int16 values and int8 weights, in 32 bits.
 *
 * In assembly for Armv7-M and Armv6-M, where registers decide; in plain C elsewhere.
 */
#ifndef TK_BLOCKED_2X2_S16_H
#define TK_BLOCKED_2X2_S16_H

#include "tk_compiler.h"

/* Sums of either channel of the first pixel, then of the second; of `count` values, a multiple of
 * 4, at least 4.  The second channel's weights lie `distance` behind the first's. */
typedef struct {
    int32_t count, distance;
    int32_t sums[4];
} tk_blocked_2x2_s16_job;

void tk_blocked_2x2_s16(const int16_t *x, const int16_t *y, const int8_t *weights,
                        tk_blocked_2x2_s16_job *job);

#endif
