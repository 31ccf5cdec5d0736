/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise 2-D convolution, int8, at least four input channels, dilated along an axis or of more
 * than one step there but not both, for cores with 16-bit dual multiply-accumulate: the bits of
 * tk_depthwise_conv_2d_s8.
 *
 * Four input channels at a time: the rows under the kernel are widened into strips, one a channel
 * and row, of pairs of neighbouring columns, which every filter of the channel reads.  Where the
 * kernel is dilated, rows and columns of one remainder are an image of their own, under a kernel
 * that is not.  Padding is the input's zero point, whose product with the weights the biases have
 * taken off.
 *
 * Call it with constant parameters: everything here is inlined and folded.
 */
#ifndef TK_DEPTHWISE_CONV_2D_S8_DSP_H
#define TK_DEPTHWISE_CONV_2D_S8_DSP_H

#include "tk_common.h"
#include "tk_dsp_mac.h"

typedef struct {
    int32_t in_h, in_w, in_c;
    int32_t out_h, out_w;
    int32_t depth_multiplier;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t in_zero_point, out_zero_point;
    int32_t out_min, out_max;
    int32_t strip_words; /* words of a strip: two columns each, dilation_w apart */
    int32_t together;    /* pixels computed at once: 4 or 6 (3x3 at stride_w 1), or 1 */
    /* For each filter {bias, weights, multiplier, rounding, shift} (see tk_dsp_requantize), the
     * weights doubled and by kernel row.  3x3 at stride_w 1: (w0, w1), (w1, w2).  Else: the pairs
     * for a window on an even column (w0, w1), (w2, w3)... and, where stride_w is odd, those for an
     * odd column (0, w0), (w1, w2)... */
    const uint32_t *channels;
} tk_depthwise_conv_2d_s8_dsp_params;

/* Four channels of two columns into a word of either strip. */
TK_INLINE void tk_depthwise_conv_2d_s8_dsp_pair(uint32_t a, uint32_t b, int32_t words,
                                                uint32_t *strip) {
    const uint32_t a02 = tk_sxtb16(a), a13 = tk_sxtb16_ror8(a);
    const uint32_t b02 = tk_sxtb16(b), b13 = tk_sxtb16_ror8(b);
    strip[0] = tk_pkhbt(a02, b02);
    strip[words] = tk_pkhbt(a13, b13);
    strip[2 * words] = tk_pkhtb(b02, a02);
    strip[3 * words] = tk_pkhtb(b13, a13);
}

/* The same where columns may lie in the padding. */
TK_INLINE void tk_depthwise_conv_2d_s8_dsp_edge(const tk_depthwise_conv_2d_s8_dsp_params *p,
                                                const int8_t *row, int32_t first, int32_t word,
                                                uint32_t *strips) {
    const int32_t left = first + 2 * word * p->dilation_w, right = left + p->dilation_w;
    uint32_t a = 0x01010101u * (uint8_t)p->in_zero_point, b = a;
    if (left >= 0 && left < p->in_w) {
        a = tk_load32(row + left * p->in_c);
    }
    if (right >= 0 && right < p->in_w) {
        b = tk_load32(row + right * p->in_c);
    }
    tk_depthwise_conv_2d_s8_dsp_pair(a, b, p->strip_words, strips + word);
}

/* Widens four channels of a row (NULL: padding) into four strips, from the column `first` on; row
 * points to its first channel of the four. */
TK_INLINE void tk_depthwise_conv_2d_s8_dsp_widen(const tk_depthwise_conv_2d_s8_dsp_params *p,
                                                 const int8_t *row, int32_t first,
                                                 uint32_t *strips) {
    const int32_t words = p->strip_words, step = p->dilation_w * p->in_c;
    if (row == NULL) {
        const uint32_t pair = 0x00010001u * (uint16_t)p->in_zero_point;
        for (int32_t i = 0; i < 4 * words; ++i) {
            strips[i] = pair;
        }
        return;
    }
    /* Words with both columns inside the row. */
    const int32_t two = 2 * p->dilation_w;
    const int32_t begin = (two - 1 - first) / two;
    const int32_t inside = (p->in_w - 1 - first + p->dilation_w) / two;
    const int32_t end = inside < words ? inside : words;
    for (int32_t word = 0; word < begin && word < words; ++word) {
        tk_depthwise_conv_2d_s8_dsp_edge(p, row, first, word, strips);
    }
    const int8_t *at = row + (first + begin * two) * p->in_c;
    for (int32_t word = begin; word < end; ++word, at += 2 * step) {
        tk_depthwise_conv_2d_s8_dsp_pair(tk_load32(at), tk_load32(at + step), words, strips + word);
    }
    for (int32_t word = end > begin ? end : begin; word < words; ++word) {
        tk_depthwise_conv_2d_s8_dsp_edge(p, row, first, word, strips);
    }
}

TK_INLINE int32_t
tk_depthwise_conv_2d_s8_dsp_row_weights(const tk_depthwise_conv_2d_s8_dsp_params *p) {
    if (p->together > 1) {
        return 2;
    }
    return (p->kernel_w + 1) / 2 + (p->stride_w % 2 == 1 ? p->kernel_w / 2 + 1 : 0);
}

/* One filter's pixels of an output row, dilation_w apart; its strips are `offset` words behind
 * strips[]. */
TK_INLINE void tk_depthwise_conv_2d_s8_dsp_channel(const tk_depthwise_conv_2d_s8_dsp_params *p,
                                                   const uint32_t *const *strips, int32_t offset,
                                                   const uint32_t *stream, int32_t pixels,
                                                   int8_t *out) {
    const int32_t step = p->dilation_w * p->depth_multiplier * p->in_c;
    const int32_t row_weights = tk_depthwise_conv_2d_s8_dsp_row_weights(p);
    const int32_t *const record = (const int32_t *)stream + p->kernel_h * row_weights;
    for (int32_t x = 0; x < pixels; x += p->together) {
        const int32_t first = offset + x * p->stride_w / 2, odd = x * p->stride_w % 2;
        int32_t q[6];
        if (p->together > 1) {
            tk_dsp_slide_3x3(q, stream, strips, first, p->together);
        } else {
            const int32_t begin = odd ? (p->kernel_w + 1) / 2 : 0;
            const int32_t taps = odd ? p->kernel_w / 2 + 1 : (p->kernel_w + 1) / 2;
            int32_t sum = (int32_t)stream[0];
            for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
                const uint32_t *const w = stream + 1 + ky * row_weights + begin;
                for (int32_t tap = 0; tap < taps; ++tap) {
                    sum = tk_smlad(strips[ky][first + tap], w[tap], sum);
                }
            }
            q[0] = tk_ssat8(tk_dsp_requantize(sum, record));
        }
        for (int32_t i = 0; i < p->together; ++i) {
            if (x + i < pixels) {
                out[(x + i) * step] = (int8_t)q[i];
            }
        }
    }
}

/* A loop of code written once, unless it runs once: more would not fit the cache in front of a
 * flash. */
TK_INLINE int32_t tk_depthwise_conv_2d_s8_dsp_loop(int32_t count) {
    return count == 1 ? 1 : tk_opaque(count);
}

/* Remainders by dilation that have outputs. */
TK_INLINE int32_t tk_depthwise_conv_2d_s8_dsp_remainders(int32_t dilation, int32_t outputs) {
    return tk_depthwise_conv_2d_s8_dsp_loop(dilation < outputs ? dilation : outputs);
}

/* Pixels of an output row, dilation_w apart from x on, in the filters of four channels; the
 * strips of kernel row k are those of slot (first + k) % kernel_h. */
TK_INLINE void
tk_depthwise_conv_2d_s8_dsp_four_channels(const tk_depthwise_conv_2d_s8_dsp_params *p,
                                          int32_t group, const uint32_t *strips, int32_t first,
                                          int32_t x, int8_t *out) {
    const int32_t record = 4 + p->kernel_h * tk_depthwise_conv_2d_s8_dsp_row_weights(p);
    const uint32_t *slots[TK_MAX_KERNEL_ROWS];
    for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
        const int32_t slot = first + ky < p->kernel_h ? first + ky : first + ky - p->kernel_h;
        slots[ky] = strips + 4 * slot * p->strip_words;
    }
    const int32_t channels = tk_opaque(4), pixels = (p->out_w - 1 - x) / p->dilation_w + 1;
    const int32_t filters = tk_depthwise_conv_2d_s8_dsp_loop(p->depth_multiplier);
    const uint32_t *stream = p->channels + 4 * group * p->depth_multiplier * record;
    out += x * p->depth_multiplier * p->in_c;
    for (int32_t channel = 0; channel < channels; ++channel) {
        for (int32_t filter = 0; filter < filters; ++filter, ++out, stream += record) {
            tk_depthwise_conv_2d_s8_dsp_channel(p, slots, channel * p->strip_words, stream, pixels,
                                                out);
        }
    }
}

/* First channel of a group of four: the last group may overlap the one before. */
TK_INLINE int32_t tk_depthwise_conv_2d_s8_dsp_first(const tk_depthwise_conv_2d_s8_dsp_params *p,
                                                    int32_t group) {
    return 4 * group + 4 > p->in_c ? p->in_c - 4 : 4 * group;
}

TK_INLINE void tk_depthwise_conv_2d_s8_dsp_clamp(const tk_depthwise_conv_2d_s8_dsp_params *p,
                                                 int8_t *out, int32_t pixels) {
    if (p->out_min > INT8_MIN || p->out_max < INT8_MAX) {
        tk_dsp_clamp(out, pixels * p->depth_multiplier * p->in_c, p->out_min, p->out_max);
    }
}

/* One output row: rows[k] is the input row under kernel row k, NULL in the padding.  Scratch:
 * 16 * kernel_h * strip_words bytes, aligned to 4. */
TK_INLINE void tk_depthwise_conv_2d_s8_dsp_row(const tk_depthwise_conv_2d_s8_dsp_params *p,
                                               const int8_t *const *rows, int8_t *out,
                                               void *scratch) {
    uint32_t *const strips = scratch;
    const int32_t apart = tk_depthwise_conv_2d_s8_dsp_remainders(p->dilation_w, p->out_w);
    for (int32_t group = 0; 4 * group < p->in_c; ++group) {
        const int32_t c = tk_depthwise_conv_2d_s8_dsp_first(p, group);
        for (int32_t x = 0; x < apart; ++x) {
            for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
                tk_depthwise_conv_2d_s8_dsp_widen(p, rows[ky] == NULL ? NULL : rows[ky] + c,
                                                  x - p->pad_left,
                                                  strips + 4 * ky * p->strip_words);
            }
            tk_depthwise_conv_2d_s8_dsp_four_channels(p, group, strips, 0, x,
                                                      out + c * p->depth_multiplier);
        }
    }
    tk_depthwise_conv_2d_s8_dsp_clamp(p, out, p->out_w);
}

/* The rows and columns of one remainder by dilation, from y and x on, in the filters of a group. */
TK_INLINE void tk_depthwise_conv_2d_s8_dsp_image(const tk_depthwise_conv_2d_s8_dsp_params *p,
                                                 int32_t group, int32_t y, int32_t x,
                                                 const int8_t *in, int8_t *out, uint32_t *strips) {
    const int32_t c = tk_depthwise_conv_2d_s8_dsp_first(p, group);
    const int32_t out_c = p->depth_multiplier * p->in_c;
    int32_t next = 0, slot = 0; /* padded row to widen, and its slot */
    for (int32_t top = 0; y < p->out_h; y += p->dilation_h, top += p->stride_h) {
        for (; next < top + p->kernel_h; ++next) {
            if (next >= top) {
                const int32_t iy = y * p->stride_h - p->pad_top + (next - top) * p->dilation_h;
                tk_depthwise_conv_2d_s8_dsp_widen(
                    p, tk_row_s8(in + c, p->in_h, p->in_w * p->in_c, iy), x - p->pad_left,
                    strips + 4 * slot * p->strip_words);
            }
            slot = slot + 1 == p->kernel_h ? 0 : slot + 1;
        }
        tk_depthwise_conv_2d_s8_dsp_four_channels(
            p, group, strips, slot, x, out + y * p->out_w * out_c + c * p->depth_multiplier);
    }
}

/* Whole tensor: in [in_h][in_w][in_c], out [out_h][out_w][in_c * depth_multiplier], the filters of
 * a channel side by side; the two must not overlap.  Scratch as above; every row is widened once.
 */
TK_INLINE void tk_depthwise_conv_2d_s8_dsp(const tk_depthwise_conv_2d_s8_dsp_params *p,
                                           const int8_t *in, int8_t *out, void *scratch) {
    const int32_t down = tk_depthwise_conv_2d_s8_dsp_remainders(p->dilation_h, p->out_h);
    const int32_t apart = tk_depthwise_conv_2d_s8_dsp_remainders(p->dilation_w, p->out_w);
    for (int32_t group = 0; 4 * group < p->in_c; ++group) {
        for (int32_t y = 0; y < down; ++y) {
            for (int32_t x = 0; x < apart; ++x) {
                tk_depthwise_conv_2d_s8_dsp_image(p, group, y, x, in, out, scratch);
            }
        }
    }
    tk_depthwise_conv_2d_s8_dsp_clamp(p, out, p->out_h * p->out_w);
}

#endif
