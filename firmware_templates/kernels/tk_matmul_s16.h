/* Many small int16 matrix products of one shape, the heart of the Winograd convolutions.
 *
 * For each position:
 *   product[out_c][tiles] (+)= weights[out_c][2 * pairs] * columns[2 * pairs][tiles],
 * sums modulo 2^32.  Words of weights and columns hold the values of an even and the following odd
 * input channel, a pair.  All arrays are dense and 4-byte aligned:
 *   weights  [position][out_c / 3][pair][3 output channels], then those of the out_c % 3 last
 *            channels: [channel][pair];
 *   columns  [position][pair][tile];
 *   product  [out_c][tile][position].
 * A function for each number of positions, pairs and tiles: tk_matmul16_s16_7x3 has 16 positions,
 * 7 pairs, 3 tiles.  The `add` ones add to what is in `product`.
 */
#ifndef TK_MATMUL_S16_H
#define TK_MATMUL_S16_H

#include <stdint.h>

/* Most pairs a function takes. */
#define TK_MATMUL_S16_PAIRS 9

#define TK_MATMUL_S16_ARGUMENTS                                                                    \
    (const int32_t *weights, const uint32_t *columns, int32_t *product, uint32_t triples,          \
     uint32_t singles)

/* each(positions, pairs, tiles) for every function. */
#define TK_MATMUL_S16_PAIR(each, pairs) each(16, pairs, 2) each(16, pairs, 3)
#define TK_MATMUL_S16_ALL(each)                                                                    \
    TK_MATMUL_S16_PAIR(each, 1)                                                                    \
    TK_MATMUL_S16_PAIR(each, 2)                                                                    \
    TK_MATMUL_S16_PAIR(each, 3)                                                                    \
    TK_MATMUL_S16_PAIR(each, 4)                                                                    \
    TK_MATMUL_S16_PAIR(each, 5)                                                                    \
    TK_MATMUL_S16_PAIR(each, 6)                                                                    \
    TK_MATMUL_S16_PAIR(each, 7)                                                                    \
    TK_MATMUL_S16_PAIR(each, 8)                                                                    \
    TK_MATMUL_S16_PAIR(each, 9)

#define TK_MATMUL_S16_DECLARE(positions, pairs, tiles)                                             \
    void tk_matmul##positions##_s16_##pairs##x##tiles TK_MATMUL_S16_ARGUMENTS;                     \
    void tk_matmul##positions##_s16_add_##pairs##x##tiles TK_MATMUL_S16_ARGUMENTS;

TK_MATMUL_S16_ALL(TK_MATMUL_S16_DECLARE)

#undef TK_MATMUL_S16_DECLARE

#endif
