/* SPDX-License-Identifier: Apache-2.0 */
/* 2-D convolution, int8, for cores with 16-bit dual multiply-accumulate: the bits of tk_conv_2d_s8.
 *
 * Three output pixels at a time: the values under the window are widened once into a patch of
 * interleaved pairs, then every two output channels run over the patch with six accumulators.
 *
 * A patch is made of the window's runs of neighbouring values (a kernel row; a tap where taps are
 * dilated), each filled up to a multiple of four with values that meet weights of zero.  Four
 * values k0..k3 become the pairs (k0, k2) and (k1, k3).  Padding is the input's zero point, whose
 * product with the weights the biases have taken off.
 *
 * weights, 4-byte aligned, with `values` of a patch (a multiple of 4) and w[c][i] that of channel c
 * which meets the patch's i-th value (in the order k0, k2, k1, k3 of each four):
 *   weight_bits 16, int16, doubled; by two channels c, c + 1, for i = 0, 2, 4, ..:
 *     offset 0: w[c][i]     2: w[c][i + 1]     4: w[c + 1][i]     6: w[c + 1][i + 1]
 *   then, of a last channel alone, for each i: w[c][i];
 *   weight_bits 8, int8; by two channels c, c + 1, for i = 0, 2, 4, ..:
 *     offset 0: w[c][i]     1: w[c + 1][i]     2: w[c][i + 1]     3: w[c + 1][i + 1]
 *   then, of a last channel alone, for i = 0, 4, 8, ..:
 *     offset 0: w[c][i]     1: w[c][i + 2]     2: w[c][i + 1]     3: w[c][i + 3]
 * requantize, of each channel 16 bytes:
 *     offset 0: bias (of doubled sums with 16 bits)    4: multiplier    8: rounding    12: shift
 *
 * Call it with constant parameters: everything here is inlined and folded.
 */
#ifndef TK_CONV_2D_S8_DSP_H
#define TK_CONV_2D_S8_DSP_H

#include "tk_common.h"
#include "tk_dsp_mac.h"

typedef struct {
    int32_t in_h, in_w, in_c;
    int32_t out_h, out_w, out_c;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t in_zero_point, out_zero_point;
    int32_t out_min, out_max;
    int32_t weight_bits;       /* 8 or 16 */
    const uint32_t *weights;   /* by two output channels, in the order of the patch's pairs */
    const int32_t *requantize; /* [out_c][4]: see tk_dsp_requantize */
} tk_conv_2d_s8_dsp_params;

/* Values of a run in memory, in the patch, and how many runs a kernel row has. */
TK_INLINE int32_t tk_conv_2d_s8_dsp_run(const tk_conv_2d_s8_dsp_params *p) {
    return p->dilation_w == 1 ? p->kernel_w * p->in_c : p->in_c;
}

TK_INLINE int32_t tk_conv_2d_s8_dsp_run_filled(const tk_conv_2d_s8_dsp_params *p) {
    return (tk_conv_2d_s8_dsp_run(p) + 3) & ~3;
}

TK_INLINE int32_t tk_conv_2d_s8_dsp_runs(const tk_conv_2d_s8_dsp_params *p) {
    return p->dilation_w == 1 ? 1 : p->kernel_w;
}

TK_INLINE int32_t tk_conv_2d_s8_dsp_pairs(const tk_conv_2d_s8_dsp_params *p) {
    return p->kernel_h * tk_conv_2d_s8_dsp_runs(p) * tk_conv_2d_s8_dsp_run_filled(p) / 2;
}

/* The values under the window of one pixel into every third word of the patch; edge has room for
 * one filled run. */
TK_INLINE void tk_conv_2d_s8_dsp_pack(const tk_conv_2d_s8_dsp_params *p, const int8_t *const *rows,
                                      int32_t x, uint32_t *patch, int8_t *edge) {
    const int32_t filled = tk_conv_2d_s8_dsp_run_filled(p), runs = tk_conv_2d_s8_dsp_runs(p);
    const int32_t taps = p->kernel_w / runs, row_values = p->in_w * p->in_c;
    for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
        for (int32_t run = 0; run < runs; ++run) {
            const int32_t x0 = x * p->stride_w - p->pad_left + run * p->dilation_w;
            const int32_t first = x0 * p->in_c;
            const int8_t *from = edge;
            if (rows[ky] != NULL && x0 >= 0 && first + filled <= row_values) {
                from = rows[ky] + first;
            } else {
                const uint32_t padding = 0x01010101u * (uint8_t)p->in_zero_point;
                for (int32_t i = 0; i < filled; i += 4) {
                    tk_store32(edge + i, padding);
                }
                const int32_t skip = x0 < 0 ? -x0 : 0;
                const int32_t taps_end = x0 + taps > p->in_w ? p->in_w - x0 : taps;
                const int32_t end = rows[ky] == NULL ? 0 : taps_end * p->in_c;
                int32_t i = skip * p->in_c;
                for (; i + 4 <= end; i += 4) {
                    tk_store32(edge + i, tk_load32(rows[ky] + first + i));
                }
                for (; i < end; ++i) {
                    edge[i] = rows[ky][first + i];
                }
            }
            patch = tk_dsp_widen3(from, filled, patch);
        }
    }
}

/* All output channels of the three pixels of a patch; stride is the distance of their outputs. */
TK_INLINE void tk_conv_2d_s8_dsp_block(const tk_conv_2d_s8_dsp_params *p, const uint32_t *patch,
                                       int8_t *out, int32_t stride) {
    const int32_t pairs = tk_conv_2d_s8_dsp_pairs(p);
    const uint32_t *w = p->weights;
    const int32_t *r = p->requantize;
    int32_t acc[6] = {0};
    int32_t oc = 0;
    for (; oc + 2 <= p->out_c; oc += 2, r += 8, out += 2) {
        acc[0] = acc[1] = acc[2] = r[0];
        acc[3] = acc[4] = acc[5] = r[4];
        w = p->weight_bits == 8 ? tk_dsp_mac_2x3_w8(acc, w, patch, pairs)
                                : tk_dsp_mac_2x3_w16(acc, w, patch, pairs);
        tk_dsp_store3(acc, p->weight_bits == 8, r, out, stride);
        tk_dsp_store3(acc + 3, p->weight_bits == 8, r + 4, out + 1, stride);
    }
    if (oc < p->out_c) {
        acc[0] = acc[1] = acc[2] = r[0];
        w = p->weight_bits == 8 ? tk_dsp_mac_1x3_w8(acc, w, patch, pairs)
                                : tk_dsp_mac_1x3_w16(acc, w, patch, pairs);
        tk_dsp_store3(acc, p->weight_bits == 8, r, out, stride);
    }
}

/* The fused activation's limits, where they are not the type's. */
TK_INLINE void tk_conv_2d_s8_dsp_clamp(const tk_conv_2d_s8_dsp_params *p, int8_t *out,
                                       int32_t pixels) {
    if (p->out_min > INT8_MIN || p->out_max < INT8_MAX) {
        tk_dsp_clamp(out, pixels * p->out_c, p->out_min, p->out_max);
    }
}

/* One output row: rows[k] is the input row under kernel row k, NULL in the padding.  Scratch:
 * 3 patches and a run, `toolkit.ops.dsp.conv_scratch_bytes`, aligned to 4 bytes.  */
TK_INLINE void tk_conv_2d_s8_dsp_row(const tk_conv_2d_s8_dsp_params *p, const int8_t *const *rows,
                                     int8_t *out, void *scratch) {
    uint32_t *patch = scratch;
    int8_t *edge = (int8_t *)(patch + 3 * tk_conv_2d_s8_dsp_pairs(p));
    const int32_t together = p->out_w < 3 ? 1 : 3;
    for (int32_t x = 0; x < p->out_w; x += together) {
        /* The last three overlap the three before them. */
        const int32_t first = x + together > p->out_w ? p->out_w - together : x;
        for (int32_t pixel = 0; pixel < 3; ++pixel) {
            tk_conv_2d_s8_dsp_pack(p, rows, first + (together == 1 ? 0 : pixel), patch + pixel,
                                   edge);
        }
        tk_conv_2d_s8_dsp_block(p, patch, out + first * p->out_c, together == 1 ? 0 : p->out_c);
    }
    tk_conv_2d_s8_dsp_clamp(p, out, p->out_w);
}

/* Whole tensor, int8: in [in_h][in_w][in_c], out [out_h][out_w][out_c]; the two must not overlap.
 * Scratch as above.  Pixels are taken together across rows. */
TK_INLINE void tk_conv_2d_s8_dsp(const tk_conv_2d_s8_dsp_params *p, const int8_t *in, int8_t *out,
                                 void *scratch) {
    uint32_t *patch = scratch;
    int8_t *edge = (int8_t *)(patch + 3 * tk_conv_2d_s8_dsp_pairs(p));
    const int8_t *rows[TK_MAX_KERNEL_ROWS];
    const int32_t pixels = p->out_h * p->out_w, together = pixels < 3 ? 1 : 3;
    for (int32_t n = 0; n < pixels; n += together) {
        const int32_t first = n + together > pixels ? pixels - together : n;
        for (int32_t pixel = 0; pixel < 3; ++pixel) {
            const int32_t at = first + (together == 1 ? 0 : pixel);
            const int32_t y = at / p->out_w, x = at % p->out_w;
            for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
                const int32_t iy = y * p->stride_h - p->pad_top + ky * p->dilation_h;
                rows[ky] = tk_row_s8(in, p->in_h, p->in_w * p->in_c, iy);
            }
            tk_conv_2d_s8_dsp_pack(p, rows, x, patch + pixel, edge);
        }
        tk_conv_2d_s8_dsp_block(p, patch, out + first * p->out_c, together == 1 ? 0 : p->out_c);
    }
    tk_conv_2d_s8_dsp_clamp(p, out, pixels);
}

#endif
