/* SPDX-License-Identifier: Apache-2.0 */
/* Products of an int16 vector with int8 weights of several rows, by dual multiply-accumulate.
 *
 * Weights, int8, 4-byte aligned, filled up to a multiple of four values by zeros; of each unit, for
 * v = 0, 4, 8, .., of each row (gate) a word, which two SXTB16 make pairs of:
 *     offset 0: w[v]     1: w[v + 2]     2: w[v + 1]     3: w[v + 3]
 */
#ifndef TK_RECURRENT_DSP_H
#define TK_RECURRENT_DSP_H

#include "tk_dsp.h"
#include "tk_recurrent.h"

/* The bits of tk_recurrent_rescale where |sum| * 2^left is below 2^31. */
TK_INLINE int32_t tk_recurrent_rescale_dsp(int32_t sum, const int32_t *record) {
    const int32_t doubled = (int32_t)((uint32_t)sum << (record[3] & 0xFF));
    const int32_t rounding = record[2] != 0 ? record[2] + (doubled >> 31) : 0;
    return tk_smmlar(doubled, record[1], rounding) >> (record[3] >> 8);
}

#if TK_DSP_INSTRUCTIONS && defined(__OPTIMIZE__)

/* Two rows of four values: u and v are their words, a and b the values. */
#define TK_RECURRENT_ROW(sum, word)                                                                \
    "sxtb16 %[t], %[" word "]\n\t"                                                                 \
    "smlad %[" sum "], %[a], %[t], %[" sum "]\n\t"                                                 \
    "sxtb16 %[" word "], %[" word "], ror #8\n\t"                                                  \
    "smlad %[" sum "], %[b], %[" word "], %[" sum "]\n\t"
#define TK_RECURRENT_X "ldr %[b], [%[x], #4]\n\tldr %[a], [%[x]], #8\n\t"
#define TK_RECURRENT_4                                                                             \
    TK_RECURRENT_X "ldr %[v], [%[w], #4]\n\tldr %[u], [%[w]], #8\n\t" TK_RECURRENT_ROW("s0", "u")  \
        TK_RECURRENT_ROW(                                                                          \
            "s1", "v") "ldr %[v], [%[w], #4]\n\tldr %[u], [%[w]], #8\n\t" TK_RECURRENT_ROW("s2",   \
                                                                                           "u")    \
            TK_RECURRENT_ROW("s3", "v")
#define TK_RECURRENT_3                                                                             \
    TK_RECURRENT_X "ldr %[v], [%[w], #4]\n\tldr %[s3], [%[w], #8]\n\tldr %[u], [%[w]], "           \
                   "#12\n\t" TK_RECURRENT_ROW("s0", "u") TK_RECURRENT_ROW("s1", "v")               \
                       TK_RECURRENT_ROW("s2", "s3")
#define TK_RECURRENT_LOOP(body, last)                                                              \
    __asm__ volatile(                                                                              \
        "1:\n\t" body "cmp %[x], %[end]\n\tbne 1b"                                                 \
        : [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3), [x] "+r"(x),                 \
          [w] "+r"(weights), [a] "=&r"(a), [b] "=&r"(b), [t] "=&r"(t), [u] "=&r"(u), [v] "=&r"(v)  \
        : [end] "r"(last)                                                                          \
        : "cc", "memory")
#define TK_RECURRENT_ALL(body)                                                                     \
    do {                                                                                           \
        if (most > 0) {                                                                            \
            TK_RECURRENT_LOOP(body body body body, x + most);                                      \
        }                                                                                          \
        if (most < values) {                                                                       \
            TK_RECURRENT_LOOP(body, x + values - most);                                            \
        }                                                                                          \
    } while (0)

/* Adds to the sums of `rows` rows (4 or 3) the products of `values`, a multiple of four. */
TK_INLINE void tk_recurrent_words(int32_t *sums, const int16_t *x, const int8_t *weights,
                                  int32_t values, int32_t rows) {
    const int32_t most = values & ~15;
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = rows == 4 ? sums[3] : 0;
    uint32_t a, b, t, u, v;
    if (rows == 4) {
        TK_RECURRENT_ALL(TK_RECURRENT_4);
        sums[3] = s3;
    } else {
        TK_RECURRENT_ALL(TK_RECURRENT_3);
    }
    sums[0] = s0, sums[1] = s1, sums[2] = s2;
}

#else

TK_INLINE void tk_recurrent_words(int32_t *sums, const int16_t *x, const int8_t *weights,
                                  int32_t values, int32_t rows) {
    for (int32_t i = 0; i < values; i += 4) {
        const uint32_t a = tk_load32(x + i), b = tk_load32(x + i + 2);
        for (int32_t row = 0; row < rows; ++row, weights += 4) {
            const uint32_t w = tk_load32(weights);
            sums[row] = tk_smlad(b, tk_sxtb16_ror8(w), tk_smlad(a, tk_sxtb16(w), sums[row]));
        }
    }
}

#endif

#endif
