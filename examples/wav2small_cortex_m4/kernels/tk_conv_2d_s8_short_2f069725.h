/* SPDX-License-Identifier: Apache-2.0 */
/* 2-D convolution, int8, with at most 64 values under the window, for cores with 16-bit dual
 * multiply-accumulate: the bits of tk_67f4c6e5_conv_2d_s8.
 *
 * Three output pixels at a time by tk_4c2efad4_short_block.  The values under a window are read where they
 * lie when they are neighbours (1x1), else gathered first: kernel rows (taps where they are
 * dilated) one behind the other.  Padding is the input's zero point, whose product with the
 * weights the biases have taken off.
 *
 * Call it with constant parameters: all but tk_4c2efad4_short_block is inlined and folded.
 */
#ifndef TK_CONV_2D_S8_SHORT_H
#define TK_CONV_2D_S8_SHORT_H

#include "tk_common_368921da.h"
#include "tk_short_block_4c2efad4.h"

typedef struct {
    int32_t in_h, in_w, in_c;
    int32_t out_h, out_w, out_c;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t in_zero_point, out_zero_point;
    int32_t out_min, out_max;
    int32_t pairs;        /* that have a weight, of the values filled up to a multiple of four */
    int32_t threes_words; /* of the stream: what the groups of three channels take */
    int32_t stream_words;
    const uint32_t *stream; /* see tk_4c2efad4_short_job */
} tk_2f069725_conv_2d_s8_short_params;

/* Room for a gathered window: what is copied beyond its end included. */
TK_INLINE int32_t tk_2f069725_conv_2d_s8_short_room(const tk_2f069725_conv_2d_s8_short_params *p) {
    return (p->kernel_h * p->kernel_w * p->in_c + 7) & ~3;
}

/* Runs of neighbouring values in a kernel row. */
TK_INLINE int32_t tk_2f069725_conv_2d_s8_short_runs(const tk_2f069725_conv_2d_s8_short_params *p) {
    return p->dilation_w == 1 ? 1 : p->kernel_w;
}

/* One run that may reach into the padding or up to the end of the row, byte by byte. */
TK_INLINE void tk_2f069725_conv_2d_s8_short_edge(const tk_2f069725_conv_2d_s8_short_params *p, const int8_t *row,
                                        int32_t first, int32_t values, int8_t *to) {
    for (int32_t i = 0; i < values; ++i) {
        const int32_t at = first + i;
        to[i] =
            row != NULL && at >= 0 && at < p->in_w * p->in_c ? row[at] : (int8_t)p->in_zero_point;
    }
}

/* The values under the window of pixel x: in the row, or gathered into window.  present: no row is
 * padding. */
TK_INLINE const int8_t *tk_2f069725_conv_2d_s8_short_values(const tk_2f069725_conv_2d_s8_short_params *p,
                                                   const int8_t *const *rows, int32_t present,
                                                   int32_t x, int8_t *window) {
    const int32_t runs = tk_2f069725_conv_2d_s8_short_runs(p), step = p->dilation_w * p->in_c;
    const int32_t values = p->kernel_w / runs * p->in_c, filled = (values + 3) & ~3;
    const int32_t first = (x * p->stride_w - p->pad_left) * p->in_c;
    const int32_t inside =
        present && first >= 0 && first + (runs - 1) * step + filled <= p->in_w * p->in_c;
    if (inside && p->kernel_h * runs == 1) {
        return rows[0] + first;
    }
    int8_t *to = window;
    if (inside) {
        for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
            const int8_t *from = rows[ky] + first;
            for (int32_t run = 0; run < runs; ++run, from += step, to += values) {
                for (int32_t i = 0; i < filled; i += 4) { /* the next run covers the excess */
                    tk_9b6e09c2_store32(to + i, tk_9b6e09c2_load32(from + i));
                }
            }
        }
        return window;
    }
    for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
        for (int32_t run = 0; run < runs; ++run, to += values) {
            tk_2f069725_conv_2d_s8_short_edge(p, rows[ky], first + run * step, values, to);
        }
    }
    return window;
}

TK_INLINE void tk_2f069725_conv_2d_s8_short_pixels(const tk_2f069725_conv_2d_s8_short_params *p,
                                          const int8_t *const *x, int8_t *out, int32_t stride) {
    const tk_4c2efad4_short_job job = {p->stream, p->stream + p->threes_words, p->stream + p->stream_words,
                              out, stride};
    tk_4c2efad4_short_block(x[0], x[1], x[2], &job, p->pairs, p->out_zero_point > INT8_MIN);
}

TK_INLINE void tk_2f069725_conv_2d_s8_short_clamp(const tk_2f069725_conv_2d_s8_short_params *p, int8_t *out,
                                         int32_t pixels) {
    if (p->out_min > INT8_MIN || p->out_max < INT8_MAX) {
        tk_f4b898af_dsp_clamp(out, pixels * p->out_c, p->out_min, p->out_max);
    }
}

/* One output row: rows[k] is the input row under kernel row k, NULL in the padding.  Scratch: three
 * gathered windows, each kernel_h * kernel_w * in_c + 7 bytes rounded down to a multiple of 4. */
TK_INLINE void tk_2f069725_conv_2d_s8_short_row(const tk_2f069725_conv_2d_s8_short_params *p,
                                       const int8_t *const *rows, int8_t *out, void *scratch) {
    const int32_t together = p->out_w < 3 ? 1 : 3;
    int32_t present = 1;
    for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
        present &= rows[ky] != NULL;
    }
    for (int32_t x = 0; x < p->out_w; x += together) {
        /* The last three overlap the three before them. */
        const int32_t first = x + together > p->out_w ? p->out_w - together : x;
        const int8_t *values[3];
        for (int32_t pixel = 0; pixel < 3; ++pixel) {
            int8_t *const window = (int8_t *)scratch + pixel * tk_2f069725_conv_2d_s8_short_room(p);
            values[pixel] = tk_2f069725_conv_2d_s8_short_values(p, rows, present,
                                                       first + (together == 1 ? 0 : pixel), window);
        }
        tk_2f069725_conv_2d_s8_short_pixels(p, values, out + first * p->out_c, together == 1 ? 0 : p->out_c);
    }
    tk_2f069725_conv_2d_s8_short_clamp(p, out, p->out_w);
}

/* Whole tensor: in [in_h][in_w][in_c], out [out_h][out_w][out_c]; the two must not overlap.
 * Scratch as above.  Pixels are taken together across rows. */
TK_INLINE void tk_2f069725_conv_2d_s8_short(const tk_2f069725_conv_2d_s8_short_params *p, const int8_t *in,
                                   int8_t *out, void *scratch) {
    const int8_t *rows[TK_MAX_KERNEL_ROWS];
    const int32_t pixels = p->out_h * p->out_w, together = pixels < 3 ? 1 : 3;
    for (int32_t n = 0; n < pixels; n += together) {
        const int32_t first = n + together > pixels ? pixels - together : n;
        const int8_t *values[3];
        for (int32_t pixel = 0; pixel < 3; ++pixel) {
            const int32_t at = first + (together == 1 ? 0 : pixel);
            const int32_t y = at / p->out_w, x = at % p->out_w;
            int32_t present = 1;
            for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
                const int32_t iy = y * p->stride_h - p->pad_top + ky * p->dilation_h;
                rows[ky] = tk_368921da_row_s8(in, p->in_h, p->in_w * p->in_c, iy);
                present &= rows[ky] != NULL;
            }
            int8_t *const window = (int8_t *)scratch + pixel * tk_2f069725_conv_2d_s8_short_room(p);
            values[pixel] = tk_2f069725_conv_2d_s8_short_values(p, rows, present, x, window);
        }
        tk_2f069725_conv_2d_s8_short_pixels(p, values, out + first * p->out_c, together == 1 ? 0 : p->out_c);
    }
    tk_2f069725_conv_2d_s8_short_clamp(p, out, pixels);
}

#endif
