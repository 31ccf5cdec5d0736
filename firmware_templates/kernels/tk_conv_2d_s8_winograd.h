/* 3x3 convolution, int8, stride 1, one column of padding on the left: Winograd F(2x2, 3x3) in
 * integers, two output rows at a time.  16 products of one value each make 2 x 2 outputs, where the
 * plain convolution needs 36; the filters are transformed beforehand, scaled so that twice the
 * accumulator comes out exactly.  The bits are tk_conv_2d_s8's.
 *
 * Rows are wide: int16 less the zero point, in_c values a pixel (one more, 0, when in_c is odd),
 * aligned to 4 bytes, a pixel of zeros before the first.  Pixels up to
 * 2 * tk_winograd_tiles(out_w) are read.
 */
#ifndef TK_CONV_2D_S8_WINOGRAD_H
#define TK_CONV_2D_S8_WINOGRAD_H

#include <stddef.h>

#include "tk_dsp.h"
#include "tk_matmul_s16.h"

typedef struct {
    int32_t out_w, in_c, out_c;
    int32_t out_wide;         /* 0: int8 rows [out_w][out_c]; 1: wide rows of even(out_c) values */
    int32_t out_min, out_max; /* less the zero point when out_wide */
    const int32_t *weights;  /* transformed, for tk_matmul_s16, one block for each chunk of pairs */
    const int32_t *channels; /* [out_c][4]: 4 * bias, multiplier, rounding, right shift (1..22) */
} tk_conv_2d_s8_winograd_params;

/* Tiles of 2 x 2 outputs along a row; they are done in groups of 3 and 2. */
TK_INLINE int32_t tk_winograd_tiles(int32_t out_w) {
    return out_w <= 2 ? 2 : (out_w + 1) / 2;
}

/* Pairs of input channels in a product, none wider than the registers hold. */
TK_INLINE int32_t tk_winograd_chunk(int32_t pairs) {
    const int32_t chunks = (pairs + TK_MATMUL_S16_PAIRS - 1) / TK_MATMUL_S16_PAIRS;
    return (pairs + chunks - 1) / chunks;
}

#define TK_WINOGRAD_CALL(n)                                                                        \
    case n:                                                                                        \
        if (add && tiles == 3) {                                                                   \
            tk_matmul_s16_add_##n##x3(weights, columns, product, positions, triples, singles);     \
        } else if (add) {                                                                          \
            tk_matmul_s16_add_##n##x2(weights, columns, product, positions, triples, singles);     \
        } else if (tiles == 3) {                                                                   \
            tk_matmul_s16_##n##x3(weights, columns, product, positions, triples, singles);         \
        } else {                                                                                   \
            tk_matmul_s16_##n##x2(weights, columns, product, positions, triples, singles);         \
        }                                                                                          \
        break;

/* All arguments but the pointers are constants. */
TK_INLINE void tk_winograd_multiply(const int32_t *weights, const uint32_t *columns,
                                    int32_t *product, uint32_t positions, int32_t out_c,
                                    int32_t pairs, int32_t tiles, int32_t add) {
    const uint32_t triples = (uint32_t)out_c / 3, singles = (uint32_t)out_c % 3;
    switch (pairs) {
        TK_WINOGRAD_CALL(1)
        TK_WINOGRAD_CALL(2)
        TK_WINOGRAD_CALL(3)
        TK_WINOGRAD_CALL(4)
        TK_WINOGRAD_CALL(5)
        TK_WINOGRAD_CALL(6)
        TK_WINOGRAD_CALL(7)
        TK_WINOGRAD_CALL(8)
        TK_WINOGRAD_CALL(9)
    default:
        break;
    }
}

/* One column of four rows, transformed. */
TK_INLINE void tk_winograd_column(const uint32_t *const *rows, int32_t at, uint32_t *column) {
    const uint32_t d0 = rows[0][at], d1 = rows[1][at], d2 = rows[2][at], d3 = rows[3][at];
    column[0] = tk_ssub16(d0, d2);
    column[1] = tk_sadd16(d1, d2);
    column[2] = tk_ssub16(d2, d1);
    column[3] = tk_ssub16(d1, d3);
}

/* Transform a pair of channels of `tiles` tiles.  The rows point at the first tile's first column,
 * `stride` words lie between columns, `step` words between the positions of the result.
 */
TK_INLINE void tk_winograd_in(const uint32_t *const *rows, int32_t stride, int32_t tiles,
                              uint32_t *out, int32_t step) {
    uint32_t a[4], b[4], c[4], d[4];
    tk_winograd_column(rows, 0, a);
    tk_winograd_column(rows, stride, b);
    for (int32_t tile = 0; tile < tiles; ++tile, ++out) {
        tk_winograd_column(rows, (2 * tile + 2) * stride, c);
        for (int32_t i = 0; i < 4; ++i) {
            out[(4 * i + 0) * step] = tk_ssub16(a[i], c[i]);
            out[(4 * i + 1) * step] = tk_sadd16(b[i], c[i]);
            out[(4 * i + 2) * step] = tk_ssub16(c[i], b[i]);
        }
        tk_winograd_column(rows, (2 * tile + 3) * stride, d);
        for (int32_t i = 0; i < 4; ++i) {
            out[(4 * i + 3) * step] = tk_ssub16(b[i], d[i]);
            a[i] = c[i];
            b[i] = d[i];
        }
    }
}

/* What one output channel needs to become int8. */
typedef struct {
    int32_t bias, multiplier, rounding, shift;
} tk_winograd_channel;

/* Rescale twice an accumulator, clamp it and store it as the row's type. */
TK_INLINE void tk_winograd_store(const tk_conv_2d_s8_winograd_params *p,
                                 const tk_winograd_channel *channel, int32_t twice, void *row,
                                 int32_t at) {
    /* Halves are rounded away from zero: a negative value, and so its accumulator, takes one off.
     */
    int32_t v = tk_smmlar(twice, channel->multiplier, channel->rounding);
    v = (v + (twice >> 31)) >> channel->shift;
    if (p->out_min == -128 && p->out_max == 127) {
        v = tk_ssat8(v);
    } else if (p->out_min == 0 && p->out_max == 255) {
        v = tk_usat8(v);
    } else {
        v = v < p->out_min ? p->out_min : (v > p->out_max ? p->out_max : v);
    }
    if (p->out_wide) {
        ((int16_t *)row)[at] = (int16_t)v;
    } else {
        ((int8_t *)row)[at] = (int8_t)v;
    }
}

/* Transform the products of one output channel and tile back and store the 2 x 2 outputs (fewer
 * columns at the end of the row; one row when row1 is NULL).  `step` words between positions.
 */
TK_INLINE void tk_winograd_out(const tk_conv_2d_s8_winograd_params *p,
                               const tk_winograd_channel *channel, const int32_t *in, int32_t step,
                               void *row0, void *row1, int32_t at, int32_t stride,
                               int32_t columns) {
    int32_t upper[4], lower[4];
    for (int32_t j = 0; j < 4; ++j) {
        const int32_t m0 = in[j * step], m1 = in[(4 + j) * step];
        const int32_t m2 = in[(8 + j) * step], m3 = in[(12 + j) * step];
        const int32_t m1b = j == 1 ? tk_wrap_add(m1, channel->bias) : m1;
        upper[j] = tk_wrap_add(m0, tk_wrap_add(m1b, m2));
        lower[j] = tk_wrap_sub(tk_wrap_sub(m1b, m2), m3);
    }
    tk_winograd_store(p, channel, upper[0] + ((upper[1] + upper[2]) >> 1), row0, at);
    if (columns > 1) {
        tk_winograd_store(p, channel, ((upper[1] - upper[2]) >> 1) - upper[3], row0, at + stride);
    }
    if (row1 != NULL) {
        tk_winograd_store(p, channel, lower[0] + ((lower[1] + lower[2]) >> 1), row1, at);
        if (columns > 1) {
            tk_winograd_store(p, channel, ((lower[1] - lower[2]) >> 1) - lower[3], row1,
                              at + stride);
        }
    }
}

/* `tiles` tiles from the one numbered `first` on, `columns` of whose outputs exist. */
TK_INLINE void tk_winograd_group(const tk_conv_2d_s8_winograd_params *p, const int16_t *const *rows,
                                 void *out0, void *out1, uint32_t *scratch, int32_t first,
                                 int32_t tiles, int32_t columns) {
    const int32_t pairs = (p->in_c + 1) / 2, chunk = tk_winograd_chunk(pairs);
    uint32_t *const transformed = scratch;
    int32_t *const product = (int32_t *)(scratch + 16 * tiles * pairs);
    for (int32_t begin = 0; begin < pairs; begin += chunk) {
        const int32_t size = begin + chunk < pairs ? chunk : pairs - begin;
        uint32_t *to = transformed + 16 * tiles * begin;
        for (int32_t pair = begin; pair < begin + size; ++pair, to += tiles) {
            const int32_t at = (2 * first - 1) * pairs + pair;
            const uint32_t *const from[4] = {
                (const uint32_t *)(const void *)rows[0] + at,
                (const uint32_t *)(const void *)rows[1] + at,
                (const uint32_t *)(const void *)rows[2] + at,
                (const uint32_t *)(const void *)rows[3] + at,
            };
            tk_winograd_in(from, pairs, tiles, to, size * tiles);
        }
    }
    const int32_t whole = pairs / chunk, rest = pairs % chunk;
    const int32_t chunk_columns = 16 * tiles * chunk, chunk_weights = 16 * chunk * p->out_c;
    tk_winograd_multiply(p->weights, transformed, product, 16, p->out_c, chunk, tiles, 0);
    for (int32_t i = 1; i < whole; ++i) {
        tk_winograd_multiply(p->weights + i * chunk_weights, transformed + i * chunk_columns,
                             product, 16, p->out_c, chunk, tiles, 1);
    }
    if (rest > 0) {
        tk_winograd_multiply(p->weights + whole * chunk_weights,
                             transformed + whole * chunk_columns, product, 16, p->out_c, rest,
                             tiles, 1);
    }
    const int32_t stride = p->out_wide ? (p->out_c + 1) / 2 * 2 : p->out_c;
    for (int32_t oc = 0; oc < p->out_c; ++oc) {
        const int32_t *values = p->channels + 4 * oc;
        const tk_winograd_channel channel = {values[0], values[1], values[2], values[3]};
        for (int32_t tile = 0; tile < tiles && 2 * tile < columns; ++tile) {
            tk_winograd_out(p, &channel, product + oc * tiles + tile, p->out_c * tiles, out0, out1,
                            2 * (first + tile) * stride + oc, stride, columns - 2 * tile);
        }
    }
}

/* Output rows y and y + 1 (out1 NULL: y alone) from input rows y - 1 ... y + 2. */
TK_INLINE void tk_conv_2d_s8_winograd_rows(const tk_conv_2d_s8_winograd_params *p,
                                           const int16_t *const *rows, void *out0, void *out1,
                                           void *scratch) {
    const int32_t tiles = tk_winograd_tiles(p->out_w);
    int32_t first = 0;
    for (; tiles - first > 4 || tiles - first == 3; first += 3) {
        tk_winograd_group(p, rows, out0, out1, scratch, first, 3, p->out_w - 2 * first);
    }
    for (; first < tiles; first += 2) {
        tk_winograd_group(p, rows, out0, out1, scratch, first, 2, p->out_w - 2 * first);
    }
}

#endif
