/* SPDX-License-Identifier: Apache-2.0 */
/* Means of a few values without a division each: times a reciprocal, exactly.
 *
 * For a sum of at most 33,000 * count in magnitude and count at most TK_POOL_MEAN_MOST, with
 * m = ceil(2^32 / count), the high word of (magnitude + count / 2) * m is the quotient: the excess
 * of m, below count, adds less than 2^32 / count to the product.
 */
#ifndef TK_POOL_MEAN_H
#define TK_POOL_MEAN_H

#include "tk_common.h"

#define TK_POOL_MEAN_MOST 256

typedef struct {
    int32_t count, half;
    uint32_t reciprocal; /* 0: divide */
} tk_pool_mean;

static inline tk_pool_mean tk_pool_mean_of(int32_t count) {
    tk_pool_mean mean = {count, count / 2, 0};
    if (count > 1 && count <= TK_POOL_MEAN_MOST) {
        mean.reciprocal = UINT32_MAX / (uint32_t)count + 1u;
    }
    return mean;
}

/* tk_rounded_mean(sum, count). */
static inline int32_t tk_pool_mean_take(tk_pool_mean mean, int32_t sum) {
    if (mean.reciprocal == 0) {
        return tk_rounded_mean(sum, mean.count);
    }
    const uint32_t magnitude = (uint32_t)((sum < 0 ? -sum : sum) + mean.half);
    const int32_t quotient = (int32_t)tk_high_product(magnitude, mean.reciprocal);
    return sum < 0 ? -quotient : quotient;
}

#endif
