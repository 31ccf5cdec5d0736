/* SPDX-License-Identifier: Apache-2.0 */
/* Building blocks of the blocked kernels in plain C, for cores without dual multiply-accumulate.
 *
 * A word of two pixels holds low + high * 2^16 (modulo 2^32), both int8: its product with a weight
 * is both pixels' product.  Two such products and TK_PAIR_BIAS keep the low part in 16 bits
 * without a sign, so that the high part is exact behind a shift, and the low part is what the sum
 * of the words has besides.
 */
#ifndef TK_BLOCKED_H
#define TK_BLOCKED_H

#include "tk_common.h"
#include "tk_compiler.h"
#include "tk_dsp.h"

#define TK_PAIR_BIAS UINT32_C(0x8000)

/* Words summed up, and their high parts. */
typedef struct {
    uint32_t words;
    int32_t high;
} tk_pair_sums;

/* A weight in words. */
TK_INLINE uint32_t tk_word(int32_t weight) {
    return (uint32_t)weight;
}

/* One or two products of pairs. */
TK_INLINE void tk_pair_add(tk_pair_sums *sums, uint32_t products) {
    sums->words += products + TK_PAIR_BIAS;
    sums->high += (int32_t)(products + TK_PAIR_BIAS) >> 16;
}

/* The low parts' sum, of that many calls of tk_pair_add. */
TK_INLINE int32_t tk_pair_low(tk_pair_sums sums, int32_t calls) {
    return (int32_t)(sums.words - ((uint32_t)sums.high << 16) - TK_PAIR_BIAS * (uint32_t)calls);
}

/* Requantises a sum (with its bias of magnitude below 2^30) with the record {bias, multiplier,
 * rounding, shift}, shift at least 1 and rounding = 2^(shift - 1) + zero_point * 2^shift: the bits
 * of tk_requantize(sum, multiplier, -shift) + zero_point, saturated. */
TK_INLINE int32_t tk_blocked_finish(int32_t sum, const int32_t *record) {
    const int32_t v = tk_high_word(2 * (sum + record[0]), record[1]);
    return tk_ssat8((v + record[2] + (v >> 31)) >> record[3]);
}

/* The sums of one channel of two pixels. */
TK_INLINE void tk_blocked_store2(int32_t first, int32_t second, const int32_t *record, int8_t *out,
                                 int32_t stride) {
    const int32_t one = tk_blocked_finish(first, record);
    const int32_t other = tk_blocked_finish(second, record);
    out[0] = (int8_t)one;
    out[stride] = (int8_t)other;
}

/* A fused activation's limits, where they are not the type's. */
static inline void tk_blocked_clamp(int8_t *data, int32_t count, int32_t low, int32_t high) {
    if (low > INT8_MIN || high < INT8_MAX) {
        for (int32_t i = 0; i < count; ++i) {
            data[i] = (int8_t)tk_clamp(data[i], low, high);
        }
    }
}

#endif
