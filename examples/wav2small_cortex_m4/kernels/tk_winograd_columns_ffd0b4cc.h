/* SPDX-License-Identifier: Apache-2.0 */
/* Four rows of int8 to the transform of every column of four pixels, which is the first half of the
 * input transform of F(2x2, 3x3): [pair of channels][column][4] words of two int16, a column of
 * padding before the first and `right` after the last.
 *
 * Four channels become the pairs (0, 2) and (1, 3); of a rest of one channel (0), of two (0, 1), of
 * three (0, 2) and (1).  The weights are packed alike, with a zero where a pair lacks a channel.
 * The zero point stays in: the transform takes it off everywhere but from the sum of a whole tile,
 * and that the bias does.
 */
#ifndef TK_WINOGRAD_COLUMNS_H
#define TK_WINOGRAD_COLUMNS_H

#include <stddef.h>

#include "tk_dsp_9b6e09c2.h"

/* Words of a pair of channels. */
TK_INLINE int32_t tk_ffd0b4cc_winograd_pair_words(int32_t in_w, int32_t right) {
    return 4 * (1 + in_w + right);
}

/* One column of a pair of channels; returns where the next one is. */
TK_INLINE uint32_t *tk_ffd0b4cc_winograd_column(uint32_t d0, uint32_t d1, uint32_t d2, uint32_t d3,
                                       uint32_t *to) {
    to[0] = tk_9b6e09c2_ssub16(d0, d2);
    to[1] = tk_9b6e09c2_sadd16(d1, d2);
    to[2] = tk_9b6e09c2_ssub16(d2, d1);
    to[3] = tk_9b6e09c2_ssub16(d1, d3);
    return to + 4;
}

/* `count` columns of padding. */
TK_INLINE uint32_t *tk_ffd0b4cc_winograd_padding(int32_t count, int32_t zero_point, uint32_t *to) {
    const uint32_t pair = tk_9b6e09c2_pack16(zero_point, zero_point);
    for (int32_t i = 0; i < count; ++i) {
        to = tk_ffd0b4cc_winograd_column(pair, pair, pair, pair, to);
    }
    return to;
}

#if TK_DSP_BLOCKS

/* r6-r9 the four channels of the rows, r10-r12 temporary. */
#define TK_WINOGRAD_PAIR(bytes, to)                                                                \
    "sxtb16 r10, r6" bytes "\nsxtb16 r11, r8" bytes "\nsxtb16 r12, r7" bytes                       \
    "\nssub16 r10, r10, r11\nstr r10, [" to "], #16\n"                                             \
    "sadd16 r10, r12, r11\nstr r10, [" to ", #-12]\n"                                              \
    "ssub16 r10, r11, r12\nstr r10, [" to ", #-8]\n"                                               \
    "sxtb16 r11, r9" bytes "\nssub16 r12, r12, r11\nstr r12, [" to ", #-4]\n"

#endif

/* The two pairs of four channels, from the one numbered `channel` on. */
TK_INLINE void tk_ffd0b4cc_winograd_two_pairs(const int8_t *const *rows, int32_t channel, int32_t in_w,
                                     int32_t in_c, uint32_t *even, uint32_t *odd) {
#if TK_DSP_BLOCKS
    if (TK_IS_CONSTANT(in_c)) {
        /* Computed first: what a sanitiser adds to that may call functions. */
        const int8_t *const from0 = rows[0] + channel, *const from1 = rows[1] + channel;
        const int8_t *const from2 = rows[2] + channel, *const from3 = rows[3] + channel;
        uint32_t *const even_end = even + 4 * in_w;
        register const int8_t *row0 __asm__("r0") = from0;
        register const int8_t *row1 __asm__("r1") = from1;
        register const int8_t *row2 __asm__("r2") = from2;
        register const int8_t *row3 __asm__("r3") = from3;
        register uint32_t *low __asm__("r4") = even;
        register uint32_t *high __asm__("r5") = odd;
        register uint32_t *end __asm__("lr") = even_end;
        __asm__ volatile("vmov s0, r7\n"
                         "1:\nldr r6, [r0], %[c]\nldr r7, [r1], %[c]\nldr r8, [r2], %[c]\nldr r9, "
                         "[r3], %[c]\n" /* */
                         TK_WINOGRAD_PAIR("", "r4")
                             TK_WINOGRAD_PAIR(", ror #8", "r5") "cmp r4, lr\nbne 1b\nvmov r7, s0\n"
                         : "+r"(row0), "+r"(row1), "+r"(row2), "+r"(row3), "+r"(low), "+r"(high),
                           "+r"(end)
                         : [c] "i"(in_c)
                         : "r6", "r8", "r9", "r10", "r11", "r12", "s0", "cc", "memory");
        return;
    }
#endif
    for (int32_t x = 0, at = channel; x < in_w; ++x, at += in_c) {
        const uint32_t d0 = tk_9b6e09c2_load32(rows[0] + at), d1 = tk_9b6e09c2_load32(rows[1] + at);
        const uint32_t d2 = tk_9b6e09c2_load32(rows[2] + at), d3 = tk_9b6e09c2_load32(rows[3] + at);
        even = tk_ffd0b4cc_winograd_column(tk_9b6e09c2_sxtb16(d0), tk_9b6e09c2_sxtb16(d1), tk_9b6e09c2_sxtb16(d2), tk_9b6e09c2_sxtb16(d3), even);
        odd = tk_ffd0b4cc_winograd_column(tk_9b6e09c2_sxtb16_ror8(d0), tk_9b6e09c2_sxtb16_ror8(d1), tk_9b6e09c2_sxtb16_ror8(d2),
                                 tk_9b6e09c2_sxtb16_ror8(d3), odd);
    }
}

/* A channel and the one `distance` behind it; at distance 0 the channel alone. */
TK_INLINE uint32_t tk_ffd0b4cc_winograd_pair(const int8_t *row, int32_t distance) {
    return distance == 0 ? (uint32_t)row[0] : tk_9b6e09c2_pack16(row[0], row[distance]);
}

TK_INLINE void tk_ffd0b4cc_winograd_one_pair(const int8_t *const *rows, int32_t channel, int32_t distance,
                                    int32_t in_w, int32_t in_c, uint32_t *to) {
    for (int32_t x = 0, at = channel; x < in_w; ++x, at += in_c) {
        to = tk_ffd0b4cc_winograd_column(
            tk_ffd0b4cc_winograd_pair(rows[0] + at, distance), tk_ffd0b4cc_winograd_pair(rows[1] + at, distance),
            tk_ffd0b4cc_winograd_pair(rows[2] + at, distance), tk_ffd0b4cc_winograd_pair(rows[3] + at, distance), to);
    }
}

/* All columns of four rows.  A row that is NULL is padding: the one of zero points that is then
 * written to `padding`, in_w * in_c bytes. */
TK_INLINE void tk_ffd0b4cc_winograd_columns(const int8_t *const *rows, int32_t in_w, int32_t in_c,
                                   int32_t right, int32_t zero_point, int8_t *padding,
                                   uint32_t *columns) {
    const int32_t words = tk_ffd0b4cc_winograd_pair_words(in_w, right), rest = in_c % 4;
    const int8_t *from[4];
    for (int32_t i = 0; i < 4; ++i) {
        from[i] = rows[i];
        if (rows[i] == NULL) {
            from[i] = padding;
            for (int32_t at = 0; at < in_w * in_c; ++at) {
                padding[at] = (int8_t)zero_point;
            }
        }
    }
    uint32_t *to = columns;
    for (int32_t pair = 0; pair < (in_c + 1) / 2; ++pair, to += words) {
        tk_ffd0b4cc_winograd_padding(1, zero_point, to);
        tk_ffd0b4cc_winograd_padding(right, zero_point, to + 4 * (1 + in_w));
    }
    to = columns + 4;
    for (int32_t channel = 0; channel < in_c - rest; channel += 4, to += 2 * words) {
        tk_ffd0b4cc_winograd_two_pairs(from, channel, in_w, in_c, to, to + words);
    }
    if (rest == 1) {
        tk_ffd0b4cc_winograd_one_pair(from, in_c - 1, 0, in_w, in_c, to);
    } else if (rest == 2) {
        tk_ffd0b4cc_winograd_one_pair(from, in_c - 2, 1, in_w, in_c, to);
    } else if (rest == 3) {
        tk_ffd0b4cc_winograd_one_pair(from, in_c - 3, 2, in_w, in_c, to);
        tk_ffd0b4cc_winograd_one_pair(from, in_c - 2, 0, in_w, in_c, to + words);
    }
}

#endif
