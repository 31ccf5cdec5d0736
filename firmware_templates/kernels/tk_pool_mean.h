/* SPDX-License-Identifier: Apache-2.0 */
/* Means of a few values without a division each: times a reciprocal, exactly.
 *
 * The quotients are taken of sums made positive: n = sum + offset * count + count / 2, where no
 * value is below -offset, rounds to the nearest and ties up; ties of negative sums, which there are
 * at an even count, go down by one less.  For n at most 65,536 * count and count at most
 * TK_POOL_MEAN_MOST, with m = ceil(2^32 / count), the high word of n * m is the quotient: the
 * excess of m, below count, adds less than 2^32 / count to the product.
 */
#ifndef TK_POOL_MEAN_H
#define TK_POOL_MEAN_H

#include "tk_common.h"

#define TK_POOL_MEAN_MOST 256

typedef struct {
    int32_t count, offset;
    int32_t ties;        /* -1: there are some */
    int32_t start;       /* what makes a sum positive, and half of count */
    uint32_t reciprocal; /* 0: divide */
} tk_pool_mean;

/* Of values from -offset to offset - 1. */
static inline tk_pool_mean tk_pool_mean_of(int32_t count, int32_t offset) {
    tk_pool_mean mean = {count, offset, count % 2 - 1, 0, 0};
    if (count > 1 && count <= TK_POOL_MEAN_MOST) {
        mean.start = offset * count + count / 2;
        mean.reciprocal = UINT32_MAX / (uint32_t)count + 1u;
    }
    return mean;
}

/* tk_rounded_mean(sum, count), where there is a reciprocal. */
static inline int32_t tk_pool_mean_take(tk_pool_mean mean, int32_t sum) {
    const uint32_t n = (uint32_t)(sum + mean.start + ((sum >> 31) & mean.ties));
    return (int32_t)tk_high_product(n, mean.reciprocal) - mean.offset;
}

#endif
