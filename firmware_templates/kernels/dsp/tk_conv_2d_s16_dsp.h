/* SPDX-License-Identifier: Apache-2.0 */
/* 2-D convolution, int16, for cores with 16-bit dual multiply-accumulate: the bits of
 * tk_conv_2d_s16, where every sum stays in 32 bits.
 *
 * Three output pixels at a time: the values under the window are copied into a patch of interleaved
 * pairs, then every two output channels run over the patch with six accumulators.  A patch is made
 * of the window's runs of neighbouring values (a kernel row; a tap where taps are dilated), each
 * filled up to a multiple of four with values that meet weights of zero.
 *
 * weights, int8, 4-byte aligned, with `values` of a patch (a multiple of 4) and w[c][i] that of
 * channel c which meets the patch's i-th value; by two channels c, c + 1, for i = 0, 2, 4, ..:
 *     offset 0: w[c][i]     1: w[c + 1][i]     2: w[c][i + 1]     3: w[c + 1][i + 1]
 * then, of a last channel alone, for i = 0, 4, 8, ..:
 *     offset 0: w[c][i]     1: w[c][i + 2]     2: w[c][i + 1]     3: w[c][i + 3]
 * requantize, of each channel 8 bytes: offset 0: bias    4: multiplier
 *
 * Call it with constant parameters: everything here is inlined and folded.
 */
#ifndef TK_CONV_2D_S16_DSP_H
#define TK_CONV_2D_S16_DSP_H

#include "tk_common.h"
#include "tk_dsp_mac.h"

typedef struct {
    int32_t in_h, in_w, in_c;
    int32_t out_h, out_w, out_c;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t out_min, out_max;
    const uint32_t *weights;
    const int32_t *requantize; /* [out_c][2]: see tk_dsp_requantize_s16 */
} tk_conv_2d_s16_dsp_params;

/* Values of a run in memory, in the patch, and how many runs a kernel row has. */
TK_INLINE int32_t tk_conv_2d_s16_dsp_run(const tk_conv_2d_s16_dsp_params *p) {
    return p->dilation_w == 1 ? p->kernel_w * p->in_c : p->in_c;
}

TK_INLINE int32_t tk_conv_2d_s16_dsp_run_filled(const tk_conv_2d_s16_dsp_params *p) {
    return (tk_conv_2d_s16_dsp_run(p) + 3) & ~3;
}

TK_INLINE int32_t tk_conv_2d_s16_dsp_runs(const tk_conv_2d_s16_dsp_params *p) {
    return p->dilation_w == 1 ? 1 : p->kernel_w;
}

TK_INLINE int32_t tk_conv_2d_s16_dsp_pairs(const tk_conv_2d_s16_dsp_params *p) {
    return p->kernel_h * tk_conv_2d_s16_dsp_runs(p) * tk_conv_2d_s16_dsp_run_filled(p) / 2;
}

/* `values` (a multiple of four) into every third word from `to`; returns where it ends. */
TK_INLINE uint32_t *tk_conv_2d_s16_dsp_copy3(const int16_t *from, int32_t values, uint32_t *to) {
    for (int32_t left = values; left > 0; left -= 4, from += 4, to += 6) {
        const uint32_t a = tk_load32(from), b = tk_load32(from + 2);
        to[0] = a;
        to[3] = b;
    }
    return to;
}

/* The same where the run reaches into the padding or beyond the row. */
TK_INLINE uint32_t *tk_conv_2d_s16_dsp_edge(const tk_conv_2d_s16_dsp_params *p, const int16_t *row,
                                            int32_t first, uint32_t *to) {
    const int32_t filled = tk_conv_2d_s16_dsp_run_filled(p), row_values = p->in_w * p->in_c;
    for (int32_t i = 0; i < filled; i += 2, to += 3) {
        const int32_t at = first + i;
        const int32_t low = row != NULL && at >= 0 && at < row_values ? row[at] : 0;
        const int32_t high = row != NULL && at >= -1 && at + 1 < row_values ? row[at + 1] : 0;
        *to = tk_pack16(low, high);
    }
    return to;
}

/* The values under the window of one pixel into every third word of the patch. */
TK_INLINE void tk_conv_2d_s16_dsp_pack(const tk_conv_2d_s16_dsp_params *p,
                                       const int16_t *const *rows, int32_t x, uint32_t *patch) {
    const int32_t filled = tk_conv_2d_s16_dsp_run_filled(p), runs = tk_conv_2d_s16_dsp_runs(p);
    for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
        for (int32_t run = 0; run < runs; ++run) {
            const int32_t x0 = x * p->stride_w - p->pad_left + run * p->dilation_w;
            const int32_t first = x0 * p->in_c;
            if (rows[ky] != NULL && x0 >= 0 && first + filled <= p->in_w * p->in_c) {
                patch = tk_conv_2d_s16_dsp_copy3(rows[ky] + first, filled, patch);
            } else {
                patch = tk_conv_2d_s16_dsp_edge(p, rows[ky], first, patch);
            }
        }
    }
}

/* All output channels of the three pixels of a patch; stride is the distance of their outputs. */
TK_INLINE void tk_conv_2d_s16_dsp_block(const tk_conv_2d_s16_dsp_params *p, const uint32_t *patch,
                                        int16_t *out, int32_t stride) {
    const int32_t pairs = tk_conv_2d_s16_dsp_pairs(p);
    const uint32_t *w = p->weights;
    const int32_t *r = p->requantize;
    int32_t acc[6] = {0};
    int32_t oc = 0;
    for (; oc + 2 <= p->out_c; oc += 2, r += 4, out += 2) {
        acc[0] = acc[1] = acc[2] = r[0];
        acc[3] = acc[4] = acc[5] = r[2];
        w = tk_dsp_mac_2x3_w8(acc, w, patch, pairs);
        for (int32_t pixel = 0; pixel < 3; ++pixel) {
            out[pixel * stride] = (int16_t)tk_dsp_requantize_s16(acc[pixel], r);
            out[pixel * stride + 1] = (int16_t)tk_dsp_requantize_s16(acc[3 + pixel], r + 2);
        }
    }
    if (oc < p->out_c) {
        acc[0] = acc[1] = acc[2] = r[0];
        w = tk_dsp_mac_1x3_w8(acc, w, patch, pairs);
        for (int32_t pixel = 0; pixel < 3; ++pixel) {
            out[pixel * stride] = (int16_t)tk_dsp_requantize_s16(acc[pixel], r);
        }
    }
}

/* One output row: rows[k] is the input row under kernel row k, NULL in the padding.  Scratch: three
 * patches, 12 bytes a pair, aligned to 4. */
TK_INLINE void tk_conv_2d_s16_dsp_row(const tk_conv_2d_s16_dsp_params *p,
                                      const int16_t *const *rows, int16_t *out, void *scratch) {
    uint32_t *patch = scratch;
    const int32_t together = p->out_w < 3 ? 1 : 3;
    for (int32_t x = 0; x < p->out_w; x += together) {
        /* The last three overlap the three before them. */
        const int32_t first = x + together > p->out_w ? p->out_w - together : x;
        for (int32_t pixel = 0; pixel < 3; ++pixel) {
            tk_conv_2d_s16_dsp_pack(p, rows, first + (together == 1 ? 0 : pixel), patch + pixel);
        }
        tk_conv_2d_s16_dsp_block(p, patch, out + first * p->out_c, together == 1 ? 0 : p->out_c);
    }
    tk_dsp_clamp_s16(out, p->out_w * p->out_c, p->out_min, p->out_max);
}

/* Whole tensor: in [in_h][in_w][in_c], out [out_h][out_w][out_c]; the two must not overlap.
 * Scratch as above.  Pixels are taken together across rows. */
TK_INLINE void tk_conv_2d_s16_dsp(const tk_conv_2d_s16_dsp_params *p, const int16_t *in,
                                  int16_t *out, void *scratch) {
    uint32_t *patch = scratch;
    const int16_t *rows[TK_MAX_KERNEL_ROWS];
    const int32_t pixels = p->out_h * p->out_w, together = pixels < 3 ? 1 : 3;
    for (int32_t n = 0; n < pixels; n += together) {
        const int32_t first = n + together > pixels ? pixels - together : n;
        for (int32_t pixel = 0; pixel < 3; ++pixel) {
            const int32_t at = first + (together == 1 ? 0 : pixel);
            const int32_t y = at / p->out_w, x = at % p->out_w;
            for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
                const int32_t iy = y * p->stride_h - p->pad_top + ky * p->dilation_h;
                rows[ky] = tk_row_s16(in, p->in_h, p->in_w * p->in_c, iy);
            }
            tk_conv_2d_s16_dsp_pack(p, rows, x, patch + pixel);
        }
        tk_conv_2d_s16_dsp_block(p, patch, out + first * p->out_c, together == 1 ? 0 : p->out_c);
    }
    tk_dsp_clamp_s16(out, pixels * p->out_c, p->out_min, p->out_max);
}

#endif
