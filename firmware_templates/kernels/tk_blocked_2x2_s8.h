/* SPDX-License-Identifier: Apache-2.0 */
/* The products of two pixels and two channels, int8: words of two pixels (tk_blocked.h) times the
 * weights of either channel.
 *
 * In assembly for Armv7-M and Armv6-M, where registers decide; in plain C elsewhere.
 */
#ifndef TK_BLOCKED_2X2_S8_H
#define TK_BLOCKED_2X2_S8_H

#include "tk_blocked.h"

/* {words, high parts} of either channel, the words without TK_PAIR_BIAS; of `count` values, a
 * multiple of 4, at least 4.  The second channel's weights lie `distance` behind the first's. */
typedef struct {
    int32_t count, distance;
    tk_pair_sums sums[2];
} tk_blocked_2x2_s8_job;

void tk_blocked_2x2_s8(const uint32_t *x, const int8_t *weights, tk_blocked_2x2_s8_job *job);

#endif
