/* Rows of int8 as the wide rows that the Winograd transforms read: int16 by pairs of channels, a
 * pixel of padding before the first and `right` after the last.
 *
 * Four channels become the pairs (0, 2) and (1, 3) (the weights are packed alike); of a rest of one
 * channel (0), of two (0, 1), of three (0, 2) and (1).  The zero point stays in: the input
 * transform takes it off everywhere but from the sum of a whole tile, and that the bias does.
 */
#ifndef TK_WINOGRAD_WIDEN_H
#define TK_WINOGRAD_WIDEN_H

#include <stddef.h>

#include "tk_dsp.h"

/* A pair of channels of one value each. */
TK_INLINE uint32_t tk_winograd_pair(int32_t low, int32_t high) {
    return ((uint32_t)low & 0xFFFFu) | (uint32_t)high << 16;
}

/* Words of a wide row. */
TK_INLINE int32_t tk_winograd_row_words(int32_t in_w, int32_t in_c, int32_t right) {
    return (1 + in_w + right) * ((in_c + 1) / 2);
}

/* One row; NULL is a row of padding.  Returns where its first pixel is. */
TK_INLINE const int16_t *tk_winograd_widen(const int8_t *row, int32_t in_w, int32_t in_c,
                                           int32_t right, int32_t zero_point, uint32_t *wide) {
    const int32_t pairs = (in_c + 1) / 2, rest = in_c % 4;
    const uint32_t padding = tk_winograd_pair(zero_point, zero_point);
    const int16_t *const first = (const int16_t *)(const void *)(wide + pairs);
    const int32_t before = row == NULL ? (1 + in_w + right) * pairs : pairs;
    for (int32_t i = 0; i < before; ++i) {
        *wide++ = padding;
    }
    if (row == NULL) {
        return first;
    }
    for (int32_t x = 0; x < in_w; ++x) {
        for (int32_t i = 0; i < in_c / 4; ++i, row += 4, wide += 2) {
            const uint32_t four = tk_load32(row);
            wide[0] = tk_sxtb16(four);
            wide[1] = tk_sxtb16_ror8(four);
        }
        if (rest == 1) {
            *wide++ = tk_winograd_pair(row[0], 0);
        } else if (rest == 2) {
            *wide++ = tk_winograd_pair(row[0], row[1]);
        } else if (rest == 3) {
            *wide++ = tk_winograd_pair(row[0], row[2]);
            *wide++ = tk_winograd_pair(row[1], 0);
        }
        row += rest;
    }
    for (int32_t i = 0; i < right * pairs; ++i) {
        *wide++ = padding;
    }
    return first;
}

#endif
