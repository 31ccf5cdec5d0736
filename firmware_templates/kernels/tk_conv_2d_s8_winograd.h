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

#include "tk_winograd.h"

typedef tk_winograd_params tk_conv_2d_s8_winograd_params;

/* Tiles of 2 x 2 outputs along a row; they are done in groups of 3 and 2. */
TK_INLINE int32_t tk_winograd_tiles(int32_t out_w) {
    return out_w <= 2 ? 2 : (out_w + 1) / 2;
}

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FP)

/* Rows 0 and 1 (first half), or 2 and 3, of the transformed tiles of a pair of channels: x - z and
 * y + z (z - y) down every column, then along the rows.  Columns are register pairs; r0-r2 rows x,
 * y, z, r3 result, r10 and lr temporary.  [c] and [p] are the bytes from column to column and from
 * position to position.
 */
#define TK_WINOGRAD_DOWN_0(p, q, z) "ssub16 " p "," p "," z "\nsadd16 " q "," q "," z "\n"
#define TK_WINOGRAD_DOWN_1(p, q, z) "ssub16 " p "," p "," z "\nssub16 " q "," z "," q "\n"
#define TK_WINOGRAD_PUT(value, column, i, tile)                                                    \
    "str " value ",[r3,#%c[p]*(" #column "+" #i ")+4*" #tile "]\n"
#define TK_WINOGRAD_ALONG(a, b, c, d, i, tile)                                                     \
    "ssub16 r10," a "," c "\n" TK_WINOGRAD_PUT("r10", 8, i, tile)     /* */                        \
        "sadd16 lr," b "," c "\n" TK_WINOGRAD_PUT("lr", 0, i, tile)   /* */                        \
        "ssub16 r10," c "," b "\n" TK_WINOGRAD_PUT("r10", 4, i, tile) /* */                        \
        "ssub16 lr," b "," d "\n" TK_WINOGRAD_PUT("lr", 12, i, tile)
#define TK_WINOGRAD_COLUMNS(down, c_p, c_q, d_p, d_q, x0, x1)                                      \
    "ldr " c_p ",[r0,#%c[c]*" #x0 "]\nldr " c_q ",[r1,#%c[c]*" #x0 "]\n"                           \
    "ldr r10,[r2,#%c[c]*" #x0 "]\nldr " d_p ",[r0,#%c[c]*" #x1 "]\n"                               \
    "ldr " d_q ",[r1,#%c[c]*" #x1 "]\nldr lr,[r2,#%c[c]*" #x1 "]\n" /* */                          \
        down(c_p, c_q, "r10") down(d_p, d_q, "lr")
#define TK_WINOGRAD_EVEN(down, i, j, tile, x0, x1)                                                 \
    TK_WINOGRAD_COLUMNS(down, "r8", "r9", "r11", "r12", x0, x1)                                    \
    TK_WINOGRAD_ALONG("r4", "r6", "r8", "r11", i, tile)                                            \
    TK_WINOGRAD_ALONG("r5", "r7", "r9", "r12", j, tile)
#define TK_WINOGRAD_ODD(down, i, j, tile, x0, x1)                                                  \
    TK_WINOGRAD_COLUMNS(down, "r4", "r5", "r6", "r7", x0, x1)                                      \
    TK_WINOGRAD_ALONG("r8", "r11", "r4", "r6", i, tile)                                            \
    TK_WINOGRAD_ALONG("r9", "r12", "r5", "r7", j, tile)
#define TK_WINOGRAD_TILES_2(down, i, j)                                                            \
    TK_WINOGRAD_COLUMNS(down, "r4", "r5", "r6", "r7", 0, 1)                                        \
    TK_WINOGRAD_EVEN(down, i, j, 0, 2, 3) TK_WINOGRAD_ODD(down, i, j, 1, 4, 5)
#define TK_WINOGRAD_TILES_3(down, i, j)                                                            \
    TK_WINOGRAD_TILES_2(down, i, j) TK_WINOGRAD_EVEN(down, i, j, 2, 6, 7)

/* One pair of channels after another; s0-s3 are the rows, s4 is the end of the result. */
#define TK_WINOGRAD_IN(tiles_text)                                                                 \
    __asm__ volatile("vmov s0,r0\nvmov s1,r1\nvmov s2,r2\nvmov s3,r3\nvmov s4,r4\nmov r3,r5\n"     \
                     "1:\n" tiles_text(TK_WINOGRAD_DOWN_0, 0, 1) /* */                             \
                     "vmov r0,s2\nvmov r1,s3\nvmov r2,s1\n"      /* */                             \
                     tiles_text(TK_WINOGRAD_DOWN_1, 2, 3)        /* */                             \
                     "add r0,#4\nvmov s2,r0\nadd r1,#4\nvmov s3,r1\n"                              \
                     "add r2,#4\nvmov s1,r2\nvmov r0,s0\nadd r0,#4\nvmov s0,r0\n"                  \
                     "vmov r1,s1\nvmov r2,s2\nadd r3,%[next]\n"                                    \
                     "vmov r4,s4\ncmp r3,r4\nbne 1b\n"                                             \
                     : "+r"(row0), "+r"(row1), "+r"(row2), "+r"(row3), "+r"(end), "+r"(to)         \
                     : [c] "i"(4 * stride), [p] "i"(4 * tiles * count), [next] "i"(4 * tiles)      \
                     : "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "s0", "s1", "s2", "s3",  \
                       "s4", "cc", "memory")

/* Transform `count` pairs of channels of `tiles` tiles.  The rows point at the first tile's first
 * column, `stride` words lie between columns.  The positions of the result go down the tile's
 * columns 1, 2, 0, 3.
 */
TK_INLINE void tk_winograd_in(const uint32_t *const *rows, int32_t stride, int32_t tiles,
                              uint32_t *out, int32_t count) {
    register const uint32_t *row0 __asm__("r0") = rows[0];
    register const uint32_t *row1 __asm__("r1") = rows[1];
    register const uint32_t *row2 __asm__("r2") = rows[2];
    register const uint32_t *row3 __asm__("r3") = rows[3];
    register const uint32_t *end __asm__("r4") = out + tiles * count;
    register uint32_t *to __asm__("r5") = out;
    if (tiles == 3) {
        TK_WINOGRAD_IN(TK_WINOGRAD_TILES_3);
    } else {
        TK_WINOGRAD_IN(TK_WINOGRAD_TILES_2);
    }
}

#else

/* One column of four rows, transformed. */
TK_INLINE void tk_winograd_column(const uint32_t *const *rows, int32_t at, uint32_t *column) {
    const uint32_t d0 = rows[0][at], d1 = rows[1][at], d2 = rows[2][at], d3 = rows[3][at];
    column[0] = tk_ssub16(d0, d2);
    column[1] = tk_sadd16(d1, d2);
    column[2] = tk_ssub16(d2, d1);
    column[3] = tk_ssub16(d1, d3);
}

TK_INLINE void tk_winograd_in(const uint32_t *const *rows, int32_t stride, int32_t tiles,
                              uint32_t *out, int32_t count) {
    const int32_t step = tiles * count;
    for (int32_t pair = 0; pair < count; ++pair) {
        uint32_t a[4], b[4], c[4], d[4];
        tk_winograd_column(rows, pair, a);
        tk_winograd_column(rows, pair + stride, b);
        for (int32_t tile = 0; tile < tiles; ++tile, ++out) {
            tk_winograd_column(rows, pair + (2 * tile + 2) * stride, c);
            tk_winograd_column(rows, pair + (2 * tile + 3) * stride, d);
            for (int32_t i = 0; i < 4; ++i) {
                out[i * step] = tk_sadd16(b[i], c[i]);
                out[(4 + i) * step] = tk_ssub16(c[i], b[i]);
                out[(8 + i) * step] = tk_ssub16(a[i], c[i]);
                out[(12 + i) * step] = tk_ssub16(b[i], d[i]);
                a[i] = c[i];
                b[i] = d[i];
            }
        }
    }
}

#endif

/* Transform the products of one output channel and tile back and store the 2 x 2 outputs (fewer
 * columns at the end of the row; one row when row1 is NULL).
 */
TK_INLINE void tk_winograd_out(const tk_winograd_params *p, const tk_winograd_channel *channel,
                               const int32_t *in, void *row0, void *row1, int32_t at,
                               int32_t stride, int32_t columns) {
    int32_t upper[4], lower[4]; /* columns 1, 2, 0, 3 */
    for (int32_t j = 0; j < 4; ++j) {
        const int32_t m0 = in[4 * j], m2 = in[4 * j + 2], m3 = in[4 * j + 3];
        const int32_t m1 = j == 0 ? tk_wrap_add(in[1], channel->bias) : in[4 * j + 1];
        upper[j] = tk_wrap_add(m0, tk_wrap_add(m1, m2));
        lower[j] = tk_wrap_sub(tk_wrap_sub(m1, m2), m3);
    }
    tk_winograd_store(p, channel, upper[2] + ((upper[0] + upper[1]) >> 1), row0, at);
    if (columns > 1) {
        tk_winograd_store(p, channel, ((upper[0] - upper[1]) >> 1) - upper[3], row0, at + stride);
    }
    if (row1 != NULL) {
        tk_winograd_store(p, channel, lower[2] + ((lower[0] + lower[1]) >> 1), row1, at);
        if (columns > 1) {
            tk_winograd_store(p, channel, ((lower[0] - lower[1]) >> 1) - lower[3], row1,
                              at + stride);
        }
    }
}

/* All output channels of a group of tiles whose outputs exist, but for the last column perhaps. */
#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FP)

/* r0 products of a tile, r2 multiplier, r3 rounding, r4 right shift, r5 and r6 output rows, s0
 * bias, s1 channels, s2 end of the products; the rest is temporary.  Columns 1 and 2 of the
 * products come first, so that their sums wait in r11 and r12, their differences in r7 and r8. What
 * does not exist is overwritten by what does: its address is that of the output before it.
 */
#define TK_WINOGRAD_SIGN(v, y) "add " v ", " v ", " y ", asr #31\n"
#define TK_WINOGRAD_NO_SIGN(v, y)
#define TK_WINOGRAD_PIXEL(sign, clamp, store, y, row, at)                                          \
    "smmlar lr, " y ", r2, r3\n" sign("lr", y) "asr lr, lr, r4\n" clamp " lr, #8, lr\n" store      \
                                               " lr, [" row ", #%c[" at "]]\n"
#define TK_WINOGRAD_TILE(sign, clamp, store, left, right)                                          \
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
        TK_WINOGRAD_PIXEL(sign, clamp, store, "r8", "r6", right)                                   \
            TK_WINOGRAD_PIXEL(sign, clamp, store, "r12", "r6", left)                               \
                TK_WINOGRAD_PIXEL(sign, clamp, store, "r7", "r5", right)                           \
                    TK_WINOGRAD_PIXEL(sign, clamp, store, "r11", "r5", left)
#define TK_WINOGRAD_OUT_2(...)                                                                     \
    TK_WINOGRAD_TILE(__VA_ARGS__, "x0", "x1") TK_WINOGRAD_TILE(__VA_ARGS__, "x2", "x3")
#define TK_WINOGRAD_OUT_3(...)                                                                     \
    TK_WINOGRAD_OUT_2(__VA_ARGS__) TK_WINOGRAD_TILE(__VA_ARGS__, "x4", "x5")
#define TK_WINOGRAD_OUT(tiles_text, value_bytes)                                                   \
    __asm__ volatile("vmov s2, lr\n"                                                               \
                     "1:\n"                                                                        \
                     "ldm r1!, {r2, r3, r4, r7}\n"                                                 \
                     "vmov s1, r1\n"                                                               \
                     "vmov s0, r7\n" tiles_text "vmov lr, s2\n"                                    \
                     "vmov r1, s1\n"                                                               \
                     "add r5, r5, #" #value_bytes "\n"                                             \
                     "add r6, r6, #" #value_bytes "\n"                                             \
                     "cmp r0, lr\n"                                                                \
                     "bne 1b\n"                                                                    \
                     : "+r"(in), "+r"(channel), "+r"(upper), "+r"(lower), "+r"(end)                \
                     : [x0] "i"(0), [x1] "i"(step), [x2] "i"(2 * step),                            \
                       [x3] "i"(columns > 3 ? 3 * step : 2 * step), [x4] "i"(4 * step),            \
                       [x5] "i"(columns > 5 ? 5 * step : 4 * step)                                 \
                     : "r2", "r3", "r4", "r7", "r8", "r9", "r10", "r11", "r12", "s0", "s1", "s2",  \
                       "cc", "memory")

TK_INLINE void tk_winograd_group_out(const tk_winograd_params *p, const int32_t *product,
                                     void *out0, void *out1, int32_t stride, int32_t tiles,
                                     int32_t columns) {
    const int32_t step = p->out_wide ? 2 * stride : stride;
    register const int32_t *in __asm__("r0") = product;
    register const int32_t *channel __asm__("r1") = p->channels;
    register void *upper __asm__("r5") = out0;
    register void *lower __asm__("r6") = out1 == NULL ? out0 : out1;
    register const int32_t *end __asm__("lr") = product + 16 * tiles * p->out_c;
    if (p->out_wide && tiles == 3) {
        TK_WINOGRAD_OUT(TK_WINOGRAD_OUT_3(TK_WINOGRAD_NO_SIGN, "usat", "strh"), 2);
    } else if (p->out_wide) {
        TK_WINOGRAD_OUT(TK_WINOGRAD_OUT_2(TK_WINOGRAD_NO_SIGN, "usat", "strh"), 2);
    } else if (p->rectified && tiles == 3) {
        TK_WINOGRAD_OUT(TK_WINOGRAD_OUT_3(TK_WINOGRAD_NO_SIGN, "ssat", "strb"), 1);
    } else if (p->rectified) {
        TK_WINOGRAD_OUT(TK_WINOGRAD_OUT_2(TK_WINOGRAD_NO_SIGN, "ssat", "strb"), 1);
    } else if (tiles == 3) {
        TK_WINOGRAD_OUT(TK_WINOGRAD_OUT_3(TK_WINOGRAD_SIGN, "ssat", "strb"), 1);
    } else {
        TK_WINOGRAD_OUT(TK_WINOGRAD_OUT_2(TK_WINOGRAD_SIGN, "ssat", "strb"), 1);
    }
}

/* Whether that function has the clamp, and all tiles exist. */
TK_INLINE int32_t tk_winograd_has_out(const tk_winograd_params *p, int32_t tiles, int32_t columns) {
    const int32_t unsigned_range =
        p->out_wide && p->rectified && p->out_min == 0 && p->out_max == 255;
    const int32_t signed_range = !p->out_wide && p->out_min == -128 && p->out_max == 127;
    return (unsigned_range || signed_range) && columns >= 2 * tiles - 1;
}

#else

TK_INLINE void tk_winograd_group_out(const tk_winograd_params *p, const int32_t *product,
                                     void *out0, void *out1, int32_t stride, int32_t tiles,
                                     int32_t columns) {
    (void)p, (void)product, (void)out0, (void)out1, (void)stride, (void)tiles, (void)columns;
}

TK_INLINE int32_t tk_winograd_has_out(const tk_winograd_params *p, int32_t tiles, int32_t columns) {
    (void)p, (void)tiles, (void)columns;
    return 0;
}

#endif

/* `tiles` tiles from the one numbered `first` on, `columns` of whose outputs exist. */
TK_INLINE void tk_winograd_group(const tk_winograd_params *p, const int16_t *const *rows,
                                 void *out0, void *out1, uint32_t *scratch, int32_t first,
                                 int32_t tiles, int32_t columns) {
    const int32_t pairs = (p->in_c + 1) / 2, chunk = tk_winograd_chunk(pairs);
    const int32_t whole = pairs / chunk * chunk;
    int32_t *const product = (int32_t *)(scratch + 16 * tiles * pairs);
    for (int32_t begin = 0; begin < pairs; begin += chunk) {
        const int32_t at = (2 * first - 1) * pairs + begin;
        const uint32_t *const from[4] = {
            (const uint32_t *)(const void *)rows[0] + at,
            (const uint32_t *)(const void *)rows[1] + at,
            (const uint32_t *)(const void *)rows[2] + at,
            (const uint32_t *)(const void *)rows[3] + at,
        };
        if (begin < whole) {
            tk_winograd_in(from, pairs, tiles, scratch + 16 * tiles * begin, chunk);
        } else {
            tk_winograd_in(from, pairs, tiles, scratch + 16 * tiles * begin, pairs - whole);
        }
    }
    tk_winograd_multiply(p, scratch, product, 16, tiles);
    const int32_t stride = p->out_wide ? (p->out_c + 1) / 2 * 2 : p->out_c;
    if (tk_winograd_has_out(p, tiles, columns)) {
        const int32_t at = 2 * first * stride * (p->out_wide ? 2 : 1);
        tk_winograd_group_out(p, product, (uint8_t *)out0 + at,
                              out1 == NULL ? NULL : (uint8_t *)out1 + at, stride, tiles, columns);
        return;
    }
    for (int32_t oc = 0; oc < p->out_c; ++oc) {
        const tk_winograd_channel channel = tk_winograd_channel_at(p, oc);
        for (int32_t tile = 0; tile < tiles && 2 * tile < columns; ++tile) {
            tk_winograd_out(p, &channel, product + 16 * (oc * tiles + tile), out0, out1,
                            2 * (first + tile) * stride + oc, stride, columns - 2 * tile);
        }
    }
}

/* Output rows y and y + 1 (out1 NULL: y alone) from input rows y - 1 ... y + 2. */
TK_INLINE void tk_conv_2d_s8_winograd_rows(const tk_conv_2d_s8_winograd_params *p,
                                           const int16_t *const *rows, void *out0, void *out1,
                                           void *scratch) {
    const int32_t tiles = tk_winograd_tiles(p->out_w);
    const int32_t twos = tiles % 3 == 0 ? 0 : 3 - tiles % 3; /* the groups of two, at the end */
    const int32_t whole = p->out_w / 2;                      /* tiles all of whose outputs exist */
    int32_t first = 0;
    const int32_t threes_end = tk_opaque(twos == 0 ? whole / 3 * 3 : tiles - 2 * twos);
    for (; first < threes_end; first += 3) {
        tk_winograd_group(p, rows, out0, out1, scratch, first, 3, 6);
    }
    const int32_t twos_end = tk_opaque(twos == 0 ? 0 : whole - (whole < tiles));
    for (; first < twos_end; first += 2) {
        tk_winograd_group(p, rows, out0, out1, scratch, first, 2, 4);
    }
    if (twos == 0 && whole < tiles) {
        tk_winograd_group(p, rows, out0, out1, scratch, tiles - 3, 3, 5);
    } else if (whole < tiles) {
        tk_winograd_group(p, rows, out0, out1, scratch, tiles - 2, 2, p->out_w - 2 * tiles + 4);
    }
}

#endif
