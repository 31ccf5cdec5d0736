/* Many small int16 matrix products of one shape, the heart of the Winograd convolutions.
 *
 * For each position: product[out_c][tiles] (+)= weights[out_c][2 * pairs] * columns[2 *
 * pairs][tiles], sums modulo 2^32.  Words of weights and columns hold the values of an even and the
 * following odd input channel, a pair.  All arrays are dense and 4-byte aligned: weights
 * [position][out_c / 3][pair][3 output channels], then those of the out_c % 3 last channels:
 * [channel][pair]; columns  [position][pair][tile]; product  [position][out_c][tile]. One function
 * for each number of pairs and tiles; `add` adds to what is in `product`.
 */
#ifndef TK_MATMUL_S16_H
#define TK_MATMUL_S16_H

#include <stdint.h>

/* Most pairs a function takes. */
#define TK_MATMUL_S16_PAIRS 9

#define TK_MATMUL_S16_ARGUMENTS                                                                    \
    (const int32_t *weights, const uint32_t *columns, int32_t *product, uint32_t positions,        \
     uint32_t triples, uint32_t singles)

#define TK_MATMUL_S16_DECLARE(pairs)                                                               \
    void tk_matmul_s16_##pairs##x2 TK_MATMUL_S16_ARGUMENTS;                                        \
    void tk_matmul_s16_##pairs##x3 TK_MATMUL_S16_ARGUMENTS;                                        \
    void tk_matmul_s16_add_##pairs##x2 TK_MATMUL_S16_ARGUMENTS;                                    \
    void tk_matmul_s16_add_##pairs##x3 TK_MATMUL_S16_ARGUMENTS;

TK_MATMUL_S16_DECLARE(1)
TK_MATMUL_S16_DECLARE(2)
TK_MATMUL_S16_DECLARE(3)
TK_MATMUL_S16_DECLARE(4)
TK_MATMUL_S16_DECLARE(5)
TK_MATMUL_S16_DECLARE(6)
TK_MATMUL_S16_DECLARE(7)
TK_MATMUL_S16_DECLARE(8)
TK_MATMUL_S16_DECLARE(9)

#undef TK_MATMUL_S16_DECLARE

#endif
