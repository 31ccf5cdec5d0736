/* SPDX-License-Identifier: Apache-2.0 */
/* Many small int16 matrix products of one shape, the heart of the Winograd convolutions.
 *
 * For each of 16 positions:
 *   product[out_c][tiles] = (or, to add, +=) weights[out_c][2 * pairs] * columns[2 * pairs][tiles],
 * sums modulo 2^32.  Words of weights and columns hold the values of two input channels, a pair.
 * All arrays are dense and 4-byte aligned:
 *   weights  [position][out_c][pair];
 *   columns  [position][pair][tile];
 *   product  [out_c][tile][position].
 */
#ifndef TK_MATMUL_S16_H
#define TK_MATMUL_S16_H

#include "tk_dsp_9b6e09c2.h"

/* Most pairs in a product. */
#define TK_MATMUL_S16_PAIRS 8

#if TK_DSP_BLOCKS

/* A function for each number of pairs, of tiles, and of output channels left over by blocks of
 * three (of two with four tiles), of which there must be one: tk_matmul_s16_7x3_1 has 7 pairs,
 * 3 tiles and 3 * blocks + 1 channels.  The `add` ones add to what is in `product`.
 */
#define TK_MATMUL_S16_ARGUMENTS                                                                    \
    (const int32_t *weights, const uint32_t *columns, int32_t *product, uint32_t blocks)
#define TK_MATMUL_S16_PAIR(each, pairs)                                                            \
    each(pairs, 3, 0) each(pairs, 3, 1) each(pairs, 3, 2) each(pairs, 4, 0) each(pairs, 4, 1)
#define TK_MATMUL_S16_ALL(each)                                                                    \
    TK_MATMUL_S16_PAIR(each, 1)                                                                    \
    TK_MATMUL_S16_PAIR(each, 2)                                                                    \
    TK_MATMUL_S16_PAIR(each, 3)                                                                    \
    TK_MATMUL_S16_PAIR(each, 4)                                                                    \
    TK_MATMUL_S16_PAIR(each, 5)                                                                    \
    TK_MATMUL_S16_PAIR(each, 6)                                                                    \
    TK_MATMUL_S16_PAIR(each, 7)                                                                    \
    TK_MATMUL_S16_PAIR(each, 8)

#define TK_MATMUL_S16_DECLARE(pairs, tiles, rest)                                                  \
    void tk_9ad0d129_matmul_s16_##pairs##x##tiles##_##rest TK_MATMUL_S16_ARGUMENTS;                         \
    void tk_9ad0d129_matmul_s16_add_##pairs##x##tiles##_##rest TK_MATMUL_S16_ARGUMENTS;
TK_MATMUL_S16_ALL(TK_MATMUL_S16_DECLARE)
#undef TK_MATMUL_S16_DECLARE

#define TK_MATMUL_S16_CASE(pairs_, tiles_, rest)                                                   \
    if (pairs == (pairs_) && tiles == (tiles_) && out_c % block == (rest) && add) {                \
        tk_9ad0d129_matmul_s16_add_##pairs_##x##tiles_##_##rest(weights, columns, product, blocks);         \
    } else if (pairs == (pairs_) && tiles == (tiles_) && out_c % block == (rest)) {                \
        tk_9ad0d129_matmul_s16_##pairs_##x##tiles_##_##rest(weights, columns, product, blocks);             \
    }

/* All arguments but the pointers are constants; three or four tiles. */
TK_INLINE void tk_9ad0d129_matmul_s16(const int32_t *weights, const uint32_t *columns, int32_t *product,
                             int32_t out_c, int32_t pairs, int32_t tiles, int32_t add) {
    const int32_t block = tiles == 3 ? 3 : 2;
    const uint32_t blocks = (uint32_t)(out_c / block);
    TK_MATMUL_S16_ALL(TK_MATMUL_S16_CASE)
}

#else

void tk_9ad0d129_matmul_s16(const int32_t *weights, const uint32_t *columns, int32_t *product, int32_t out_c,
                   int32_t pairs, int32_t tiles, int32_t add);

#endif

#endif
