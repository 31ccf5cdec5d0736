/* SPDX-License-Identifier: Apache-2.0 */
/* Winograd F(2x2, 3x3) in integers, a row of tiles at a time: a tile makes 2 x 2 outputs of a 3x3
 * convolution of stride 1 by 16 products of one value each, where the plain convolution needs 36.
 * The filters are transformed beforehand, scaled so that twice the accumulator comes out exactly.
 *
 * The columns of the input are transformed (tk_winograd_columns.h).  Tiles are done in groups of
 * three and four: transformed along the row, multiplied (tk_matmul_s16.h), transformed back and
 * rescaled.  Positions of a tile go down its columns 1, 2, 0, 3.
 *
 * weights, int32 words of two int16, 4-byte aligned: the pairs of input channels (in the order of
 * tk_winograd_columns.h) are cut into chunks of tk_winograd_chunk; chunk after chunk, with C pairs
 * in this one, and t[position][channel][pair] of the transformed filters:
 *     word (position * out_c + channel) * C + pair: t[..][..][pair], first channel in the low half
 * channels, of each output channel 16 bytes:
 *     offset 0: multiplier     4: rounding     8: shift
 *     12: four times the bias less what the zero point adds to the sums
 *
 * Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015.
 */
#ifndef TK_WINOGRAD_2X2_H
#define TK_WINOGRAD_2X2_H

#include <stddef.h>

#include "tk_dsp.h"
#include "tk_matmul_s16.h"

typedef struct {
    int32_t out_w, in_c, out_c;
    int32_t out_min, out_max;
    int32_t rectified;      /* whether everything below the zero point becomes out_min */
    const int32_t *weights; /* transformed, for tk_matmul_s16, one block for each chunk of pairs */
    const int32_t
        *channels; /* [out_c][4]: multiplier, rounding, right shift (1..22), scaled bias */
} tk_winograd_2x2_params;

/* Tiles along a row, in groups of three and four. */
TK_INLINE int32_t tk_winograd_tiles(int32_t out_w) {
    const int32_t tiles = (out_w + 1) / 2;
    return tiles < 3 ? 3 : (tiles == 5 ? 6 : tiles);
}

/* Pairs of input channels in a product, none wider than the registers hold. */
TK_INLINE int32_t tk_winograd_chunk(int32_t pairs) {
    const int32_t chunks = (pairs + TK_MATMUL_S16_PAIRS - 1) / TK_MATMUL_S16_PAIRS;
    return (pairs + chunks - 1) / chunks;
}

/* All chunks' products, added up. */
TK_INLINE void tk_winograd_multiply(const tk_winograd_2x2_params *p, const uint32_t *in,
                                    int32_t *product, int32_t tiles) {
    const int32_t pairs = (p->in_c + 1) / 2, chunk = tk_winograd_chunk(pairs);
    const int32_t whole = pairs / chunk * chunk;
    tk_matmul_s16(p->weights, in, product, p->out_c, chunk, tiles, 0);
    for (int32_t begin = chunk; begin < whole; begin += chunk) {
        tk_matmul_s16(p->weights + 16 * begin * p->out_c, in + 16 * begin * tiles, product,
                      p->out_c, chunk, tiles, 1);
    }
    if (whole < pairs) {
        tk_matmul_s16(p->weights + 16 * whole * p->out_c, in + 16 * whole * tiles, product,
                      p->out_c, pairs - whole, tiles, 1);
    }
}

#if TK_DSP_BLOCKS

/* Columns a, b, c and d of a tile are in four registers each; c and d are loaded, to d over a. */
#define TK_WINOGRAD_PUT(value, position, tile)                                                     \
    "str " value ", [r1, #%c[p] * (" #position ") + 4 * " #tile "]\n"
#define TK_WINOGRAD_ROW(a, b, c, i, tile)                                                          \
    "ssub16 " a ", " a ", " c "\n" TK_WINOGRAD_PUT(a, 8 + i, tile)     /* */                       \
        "sadd16 " a ", " b ", " c "\n" TK_WINOGRAD_PUT(a, i, tile)     /* */                       \
        "ssub16 " a ", " c ", " b "\n" TK_WINOGRAD_PUT(a, 4 + i, tile) /* */
#define TK_WINOGRAD_LAST(b, d, i, tile)                                                            \
    "ssub16 " b ", " b ", " d "\n" TK_WINOGRAD_PUT(b, 12 + i, tile)
#define TK_WINOGRAD_ALONG(a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, tile)                    \
    "ldm r0!, {" c0 ", " c1 ", " c2 ", " c3 "}\n" TK_WINOGRAD_ROW(a0, b0, c0, 0, tile)             \
        TK_WINOGRAD_ROW(a1, b1, c1, 1, tile) TK_WINOGRAD_ROW(a2, b2, c2, 2, tile)                  \
            TK_WINOGRAD_ROW(a3, b3, c3, 3, tile) /* */                                             \
        "ldm r0!, {" a0 ", " a1 ", " a2 ", " a3 "}\n" TK_WINOGRAD_LAST(b0, a0, 0, tile)            \
            TK_WINOGRAD_LAST(b1, a1, 1, tile) TK_WINOGRAD_LAST(b2, a2, 2, tile)                    \
                TK_WINOGRAD_LAST(b3, a3, 3, tile)
#define TK_WINOGRAD_ALONG_3                                                                        \
    "ldm r0!, {r2-r9}\n" TK_WINOGRAD_ALONG("r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10",  \
                                           "r11", "r12", "lr", 0)                                  \
        TK_WINOGRAD_ALONG("r10", "r11", "r12", "lr", "r2", "r3", "r4", "r5", "r6", "r7", "r8",     \
                          "r9", 1) TK_WINOGRAD_ALONG("r6", "r7", "r8", "r9", "r10", "r11", "r12",  \
                                                     "lr", "r2", "r3", "r4", "r5", 2)
#define TK_WINOGRAD_ALONG_4                                                                        \
    TK_WINOGRAD_ALONG_3                                                                            \
    TK_WINOGRAD_ALONG("r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", 3)

/* One pair of channels after another; s0 is the end of the result, s1 from pair to pair, s2 r7. */
#define TK_WINOGRAD_IN(along)                                                                      \
    __asm__ volatile("vmov s0, r2\nvmov s1, r3\nvmov s2, r7\n"                                     \
                     "1:\n" along "vmov r2, s1\nvmov r3, s0\nadd r0, r0, r2\n"                     \
                     "add r1, r1, %[next]\ncmp r1, r3\nbne 1b\nvmov r7, s2\n"                      \
                     : "+r"(from), "+r"(to), "+r"(end), "+r"(jump)                                 \
                     : [p] "i"(4 * tiles * count), [next] "i"(4 * tiles)                           \
                     : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "s0", "s1", "s2",  \
                       "cc", "memory")

#endif

/* Transform `tiles` tiles of `count` pairs of channels, `stride` words apart, along the row. */
TK_INLINE void tk_winograd_in(const uint32_t *columns, int32_t stride, int32_t tiles, uint32_t *out,
                              int32_t count) {
#if TK_DSP_BLOCKS
    if (TK_IS_CONSTANT(tiles * count)) {
        /* Computed first: what a sanitiser adds to that may call functions. */
        const uint32_t *const out_end = out + tiles * count;
        const int32_t to_next = 4 * (stride - 4 * (2 * tiles + 2));
        register const uint32_t *from __asm__("r0") = columns;
        register uint32_t *to __asm__("r1") = out;
        register const uint32_t *end __asm__("r2") = out_end;
        register int32_t jump __asm__("r3") = to_next;
        if (tiles == 3) {
            TK_WINOGRAD_IN(TK_WINOGRAD_ALONG_3);
        } else {
            TK_WINOGRAD_IN(TK_WINOGRAD_ALONG_4);
        }
        return;
    }
#endif
    const int32_t step = tiles * count;
    for (int32_t pair = 0; pair < count; ++pair, columns += stride) {
        for (int32_t tile = 0; tile < tiles; ++tile, ++out) {
            for (int32_t i = 0; i < 4; ++i) {
                const uint32_t *const a = columns + 8 * tile + i;
                out[i * step] = tk_sadd16(a[4], a[8]);
                out[(4 + i) * step] = tk_ssub16(a[8], a[4]);
                out[(8 + i) * step] = tk_ssub16(a[0], a[8]);
                out[(12 + i) * step] = tk_ssub16(a[4], a[12]);
            }
        }
    }
}

/* What one output channel needs to become int8. */
typedef struct {
    int32_t multiplier, rounding, shift, bias;
} tk_winograd_channel;

TK_INLINE tk_winograd_channel tk_winograd_channel_at(const tk_winograd_2x2_params *p, int32_t oc) {
    const int32_t *values = p->channels + 4 * oc;
    const tk_winograd_channel channel = {values[0], values[1], values[2], values[3]};
    return channel;
}

/* Rescale twice an accumulator, clamp it and store it. */
TK_INLINE void tk_winograd_store(const tk_winograd_2x2_params *p,
                                 const tk_winograd_channel *channel, int32_t twice, int8_t *to) {
    int32_t v = tk_smmlar(twice, channel->multiplier, channel->rounding);
    /* Halves are rounded away from zero: a negative value, and so its accumulator, takes one off,
     * for nothing where no negative value survives.
     */
    if (!p->rectified) {
        v += twice >> 31;
    }
    v >>= channel->shift;
    if (p->out_min == -128 && p->out_max == 127) {
        v = tk_ssat8(v);
    } else {
        v = v < p->out_min ? p->out_min : (v > p->out_max ? p->out_max : v);
    }
    *to = (int8_t)v;
}

/* Transform the products of one output channel and tile back and store the 2 x 2 outputs (fewer
 * columns at the end of the row; one row when row1 is NULL).
 */
TK_INLINE void tk_winograd_out(const tk_winograd_2x2_params *p, const tk_winograd_channel *channel,
                               const int32_t *in, int8_t *row0, int8_t *row1, int32_t columns) {
    int32_t upper[4], lower[4]; /* columns 1, 2, 0, 3 */
    for (int32_t j = 0; j < 4; ++j) {
        const int32_t m0 = in[4 * j], m2 = in[4 * j + 2], m3 = in[4 * j + 3];
        const int32_t m1 = j == 0 ? tk_wrap_add(in[1], channel->bias) : in[4 * j + 1];
        upper[j] = tk_wrap_add(m0, tk_wrap_add(m1, m2));
        lower[j] = tk_wrap_sub(tk_wrap_sub(m1, m2), m3);
    }
    tk_winograd_store(p, channel, upper[2] + ((upper[0] + upper[1]) >> 1), row0);
    if (columns > 1) {
        tk_winograd_store(p, channel, ((upper[0] - upper[1]) >> 1) - upper[3], row0 + p->out_c);
    }
    if (row1 != NULL) {
        tk_winograd_store(p, channel, lower[2] + ((lower[0] + lower[1]) >> 1), row1);
        if (columns > 1) {
            tk_winograd_store(p, channel, ((lower[0] - lower[1]) >> 1) - lower[3], row1 + p->out_c);
        }
    }
}

#if TK_DSP_BLOCKS

/* r0 products of a tile, r2 multiplier, r3 rounding, r4 right shift, r5 and r6 output rows, s0
 * bias, s1 channels, s2 end of the products, s3 what r7 was; the rest is temporary.  The sums of
 * the first two columns wait in r11 and r12, their differences in r7 and r8.  What does not exist
 * is overwritten by what does: its address is that of the output before it.
 */
#define TK_WINOGRAD_SIGN(v, y) "add " v ", " v ", " y ", asr #31\n"
#define TK_WINOGRAD_NO_SIGN(v, y)
#define TK_WINOGRAD_PIXEL(sign, y, row, at, step)                                                  \
    "smmlar lr, " y ", r2, r3\n" sign("lr", y) "asr lr, lr, r4\nssat lr, #8, lr\n" /* */           \
                                               "strb lr, [" row at "]" step "\n"
#define TK_WINOGRAD_TILE(sign, left, right, step)                                                  \
    "ldm r0!, {r7-r10}\n"                                                                          \
    "vmov lr, s0\n"                                                                                \
    "add r8, r8, lr\n"                                                                             \
    "add r7, r7, r8\n"                                                                             \
    "add r7, r7, r9\n"                                                                             \
    "sub r8, r8, r9\n"                                                                             \
    "sub r8, r8, r10\n"                                                                            \
    "ldm r0!, {r9-r12}\n"                                                                          \
    "add r9, r9, r10\n"                                                                            \
    "add r9, r9, r11\n"                                                                            \
    "sub r10, r10, r11\n"                                                                          \
    "sub r10, r10, r12\n"                                                                          \
    "add r11, r7, r9\n"                                                                            \
    "sub r7, r7, r9\n"                                                                             \
    "add r12, r8, r10\n"                                                                           \
    "sub r8, r8, r10\n"                                                                            \
    "ldm r0!, {r1, r9, r10, lr}\n"                                                                 \
    "add r1, r1, r9\n"                                                                             \
    "add r1, r1, r10\n"                                                                            \
    "sub r9, r9, r10\n"                                                                            \
    "sub r9, r9, lr\n"                                                                             \
    "add r11, r1, r11, asr #1\n"                                                                   \
    "add r12, r9, r12, asr #1\n"                                                                   \
    "ldm r0!, {r1, r9, r10, lr}\n"                                                                 \
    "add r1, r1, r9\n"                                                                             \
    "add r1, r1, r10\n"                                                                            \
    "sub r9, r9, r10\n"                                                                            \
    "sub r9, r9, lr\n"                                                                             \
    "rsb r7, r1, r7, asr #1\n"                                                                     \
    "rsb r8, r9, r8, asr #1\n" /* */                                                               \
        TK_WINOGRAD_PIXEL(sign, "r8", "r6", right, "")                                             \
            TK_WINOGRAD_PIXEL(sign, "r12", "r6", left, step)                                       \
                TK_WINOGRAD_PIXEL(sign, "r7", "r5", right, "")                                     \
                    TK_WINOGRAD_PIXEL(sign, "r11", "r5", left, step)
/* The first tile moves the rows on to the next channel. */
#define TK_WINOGRAD_BACK_3(sign)                                                                   \
    TK_WINOGRAD_TILE(sign, "", ", #%c[x1]", ", #1")                                                \
    TK_WINOGRAD_TILE(sign, ", #%c[x2] - 1", ", #%c[x3] - 1", "")                                   \
    TK_WINOGRAD_TILE(sign, ", #%c[x4] - 1", ", #%c[x5] - 1", "")
#define TK_WINOGRAD_BACK_4(sign)                                                                   \
    TK_WINOGRAD_BACK_3(sign) TK_WINOGRAD_TILE(sign, ", #%c[x6] - 1", ", #%c[x7] - 1", "")
#define TK_WINOGRAD_OUT(back)                                                                      \
    __asm__ volatile("vmov s2, lr\nvmov s3, r7\n"                                                  \
                     "1:\n"                                                                        \
                     "ldm r1!, {r2, r3, r4, r7}\n"                                                 \
                     "vmov s1, r1\n"                                                               \
                     "vmov s0, r7\n" back "vmov lr, s2\n"                                          \
                     "vmov r1, s1\n"                                                               \
                     "cmp r0, lr\n"                                                                \
                     "bne 1b\nvmov r7, s3\n"                                                       \
                     : "+r"(in), "+r"(channel), "+r"(upper), "+r"(lower), "+r"(end)                \
                     : [x1] "i"(step), [x2] "i"(2 * step), [x3] "i"(3 * step), [x4] "i"(4 * step), \
                       [x5] "i"(columns > 5 ? 5 * step : 4 * step), [x6] "i"(6 * step),            \
                       [x7] "i"(columns > 7 ? 7 * step : 6 * step)                                 \
                     : "r2", "r3", "r4", "r8", "r9", "r10", "r11", "r12", "s0", "s1", "s2", "s3",  \
                       "cc", "memory")

/* All output channels of a group of tiles whose outputs exist, but for the last column perhaps. */
TK_INLINE void tk_winograd_group_out(const tk_winograd_2x2_params *p, const int32_t *product,
                                     int8_t *out0, int8_t *out1, int32_t tiles, int32_t columns) {
    const int32_t step = p->out_c;
    /* Computed first: what a sanitiser adds to that may call functions. */
    const int32_t *const channels = p->channels, *const product_end = product + 16 * tiles * step;
    int8_t *const out1_or_0 = out1 == NULL ? out0 : out1;
    register const int32_t *in __asm__("r0") = product;
    register const int32_t *channel __asm__("r1") = channels;
    register int8_t *upper __asm__("r5") = out0;
    register int8_t *lower __asm__("r6") = out1_or_0;
    register const int32_t *end __asm__("lr") = product_end;
    if (p->rectified && tiles == 3) {
        TK_WINOGRAD_OUT(TK_WINOGRAD_BACK_3(TK_WINOGRAD_NO_SIGN));
    } else if (p->rectified) {
        TK_WINOGRAD_OUT(TK_WINOGRAD_BACK_4(TK_WINOGRAD_NO_SIGN));
    } else if (tiles == 3) {
        TK_WINOGRAD_OUT(TK_WINOGRAD_BACK_3(TK_WINOGRAD_SIGN));
    } else {
        TK_WINOGRAD_OUT(TK_WINOGRAD_BACK_4(TK_WINOGRAD_SIGN));
    }
}

/* Whether that function has the clamp, and all tiles exist. */
TK_INLINE int32_t tk_winograd_has_out(const tk_winograd_2x2_params *p, int32_t tiles,
                                      int32_t columns) {
    return TK_IS_CONSTANT(p->out_c) && TK_IS_CONSTANT(tiles) && TK_IS_CONSTANT(columns) &&
           p->out_min == -128 && p->out_max == 127 && columns >= 2 * tiles - 1;
}

#else

TK_INLINE void tk_winograd_group_out(const tk_winograd_2x2_params *p, const int32_t *product,
                                     int8_t *out0, int8_t *out1, int32_t tiles, int32_t columns) {
    (void)p, (void)product, (void)out0, (void)out1, (void)tiles, (void)columns;
}

TK_INLINE int32_t tk_winograd_has_out(const tk_winograd_2x2_params *p, int32_t tiles,
                                      int32_t columns) {
    (void)p, (void)tiles, (void)columns;
    return 0;
}

#endif

/* `tiles` tiles from the one numbered `first` on, `columns` of whose outputs exist. */
TK_INLINE void tk_winograd_group(const tk_winograd_2x2_params *p, const uint32_t *in,
                                 int32_t pair_words, int8_t *out0, int8_t *out1, uint32_t *scratch,
                                 int32_t first, int32_t tiles, int32_t columns) {
    const int32_t pairs = (p->in_c + 1) / 2, chunk = tk_winograd_chunk(pairs);
    const int32_t whole = pairs / chunk * chunk;
    int32_t *const product = (int32_t *)(scratch + 16 * tiles * pairs);
    const uint32_t *from = in + 8 * first;
    uint32_t *to = scratch;
    for (int32_t begin = 0; begin < whole; begin += chunk) {
        tk_winograd_in(from, pair_words, tiles, to, chunk);
        from += chunk * pair_words;
        to += 16 * tiles * chunk;
    }
    if (whole < pairs) {
        tk_winograd_in(from, pair_words, tiles, to, pairs - whole);
    }
    tk_winograd_multiply(p, scratch, product, tiles);
    out0 += 2 * first * p->out_c;
    out1 = out1 == NULL ? NULL : out1 + 2 * first * p->out_c;
    if (tk_winograd_has_out(p, tiles, columns)) {
        tk_winograd_group_out(p, product, out0, out1, tiles, columns);
        return;
    }
    for (int32_t oc = 0; oc < p->out_c; ++oc) {
        const tk_winograd_channel channel = tk_winograd_channel_at(p, oc);
        for (int32_t tile = 0; tile < tiles && 2 * tile < columns; ++tile) {
            const int32_t at = 2 * tile * p->out_c + oc;
            tk_winograd_out(p, &channel, product + 16 * (oc * tiles + tile), out0 + at,
                            out1 == NULL ? NULL : out1 + at, columns - 2 * tile);
        }
    }
}

/* Two output rows (out1 NULL: the first alone) from the columns of four input rows. */
TK_INLINE void tk_winograd_2x2_rows(const tk_winograd_2x2_params *p, const uint32_t *columns,
                                    int32_t pair_words, int8_t *out0, int8_t *out1,
                                    uint32_t *scratch) {
    const int32_t tiles = tk_winograd_tiles(p->out_w);
    const int32_t fours = tiles % 3, threes = tiles - 4 * fours; /* tiles in groups of three */
    const int32_t missing = 2 * tiles - p->out_w; /* outputs of the last group that do not exist */
    const int32_t last = fours == 0 ? 3 : 4;
    int32_t first = 0;
    const int32_t threes_end = tk_opaque(fours == 0 && missing > 0 ? threes - 3 : threes);
    for (; first < threes_end; first += 3) {
        tk_winograd_group(p, columns, pair_words, out0, out1, scratch, first, 3, 6);
    }
    const int32_t fours_end = tk_opaque(fours == 0 || missing > 0 ? tiles - last : tiles);
    for (; first < fours_end; first += 4) {
        tk_winograd_group(p, columns, pair_words, out0, out1, scratch, first, 4, 8);
    }
    if (missing > 0) {
        tk_winograd_group(p, columns, pair_words, out0, out1, scratch, tiles - last, last,
                          2 * last - missing);
    }
}

#endif
