/* SPDX-License-Identifier: Apache-2.0 */
/* 3x3 convolution, int8, stride 1, for cores with the DSP extension: Winograd F(2x2, 3x3), exact;
 * the bits of tk_67f4c6e5_conv_2d_s8.  Two output rows at a time from four input rows.
 */
#ifndef TK_CONV_2D_S8_WINOGRAD2_H
#define TK_CONV_2D_S8_WINOGRAD2_H

#include "tk_winograd_2x2_5d24cbe4.h"
#include "tk_winograd_columns_ffd0b4cc.h"

typedef struct {
    tk_5d24cbe4_winograd_2x2_params tiles;
    int32_t in_h, in_w, out_h;
    int32_t pad_top;
    int32_t right; /* pixels of padding behind a row, overhang of the last tile included */
    int32_t in_zero_point;
} tk_96e925dd_conv_2d_s8_winograd2_params;

/* Output rows y and y + 1 from input rows y - 1 .. y + 2 (NULL: padding); out1 NULL: not wanted.
 * Scratch: the columns, then what the tiles need (`toolkit.ops.winograd`). */
TK_INLINE void tk_96e925dd_conv_2d_s8_winograd2_rows(const tk_96e925dd_conv_2d_s8_winograd2_params *p,
                                            const int8_t *const *rows, int8_t *out0, int8_t *out1,
                                            void *scratch) {
    const int32_t in_c = p->tiles.in_c;
    const int32_t words = tk_ffd0b4cc_winograd_pair_words(p->in_w, p->right);
    uint32_t *const columns = scratch;
    uint32_t *const rest = columns + (in_c + 1) / 2 * words;
    tk_ffd0b4cc_winograd_columns(rows, p->in_w, in_c, p->right, p->in_zero_point, (int8_t *)rest, columns);
    tk_5d24cbe4_winograd_2x2_rows(&p->tiles, columns, words, out0, out1, rest);
}

/* Whole tensor: in [in_h][in_w][in_c], out [out_h][out_w][out_c]; the two must not overlap. */
TK_INLINE void tk_96e925dd_conv_2d_s8_winograd2(const tk_96e925dd_conv_2d_s8_winograd2_params *p, const int8_t *in,
                                       int8_t *out, void *scratch) {
    const int32_t in_row = p->in_w * p->tiles.in_c, out_row = p->tiles.out_w * p->tiles.out_c;
    for (int32_t y = 0; y < p->out_h; y += 2) {
        const int8_t *rows[4];
        for (int32_t i = 0; i < 4; ++i) {
            const int32_t row = y - p->pad_top + i;
            rows[i] = row >= 0 && row < p->in_h ? in + row * in_row : NULL;
        }
        int8_t *const first = out + y * out_row;
        tk_96e925dd_conv_2d_s8_winograd2_rows(p, rows, first, y + 1 < p->out_h ? first + out_row : NULL,
                                     scratch);
    }
}

#endif
