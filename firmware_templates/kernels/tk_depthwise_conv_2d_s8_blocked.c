/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_depthwise_conv_2d_s8_blocked.h"

#include "tk_blocked.h"

typedef tk_depthwise_conv_2d_s8_blocked_params params;

/* Where the taps of a window lie, channel 0; padding is a pixel of zero points. */
static void place_taps(const params *p, const int8_t *const *rows, int32_t x, const int8_t *padding,
                       const int8_t **taps) {
    const int32_t first = x * p->stride_w - p->pad_left;
    for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
        for (int32_t kx = 0; kx < p->kernel_w; ++kx) {
            const int32_t at = first + kx * p->dilation_w;
            const int32_t inside = rows[ky] != NULL && at >= 0 && at < p->in_w;
            *taps++ = inside ? rows[ky] + at * p->in_c : padding;
        }
    }
}

/* All channels of one pixel. */
static void one_pixel(const params *p, const int8_t *const *taps, int8_t *out) {
    const int32_t count = p->kernel_h * p->kernel_w, fours = count & ~3;
    const int8_t *w = p->weights;
    const int32_t *record = p->requantize;
    for (int32_t c = 0; c < p->in_c; ++c) {
        for (int32_t m = 0; m < p->depth_multiplier; ++m, w += count, record += 4) {
            int32_t sum = 0, i = 0;
            for (; i < fours; i += 4) {
                sum += taps[i][c] * w[i] + taps[i + 1][c] * w[i + 1] + taps[i + 2][c] * w[i + 2] +
                       taps[i + 3][c] * w[i + 3];
            }
            for (; i < count; ++i) {
                sum += taps[i][c] * w[i];
            }
            *out++ = (int8_t)tk_blocked_finish(sum, record);
        }
    }
}

/* Three neighbouring taps of two pixels, whose columns lie `step` apart. */
TK_INLINE void three_taps(const int8_t *x, int32_t step, int32_t stride, const int8_t *w,
                          int32_t *sums) {
    const int32_t w0 = w[0], w1 = w[1], w2 = w[2], next = stride * step;
    const int32_t second = x[step], third = x[2 * step];
    sums[0] += x[0] * w0 + second * w1 + third * w2;
    if (stride == 1) {
        sums[1] += second * w0 + third * w1 + x[3 * step] * w2;
    } else {
        sums[1] += x[next] * w0 + x[next + step] * w1 + x[next + 2 * step] * w2;
    }
    TK_ORDERED();
}

/* All channels of two pixels with windows of 3x3. */
TK_INLINE void two_pixels_3x3(const params *p, const int8_t *const *rows, int32_t stride,
                              int8_t *out) {
    const int32_t in_c = p->in_c;
    const int8_t *x = rows[0], *y = rows[1], *z = rows[2];
    const int8_t *w = p->weights, *const end = w + 9 * in_c;
    const int32_t *record = p->requantize;
    for (; w != end; w += 9, record += 4, ++x, ++y, ++z, ++out) {
        int32_t sums[2] = {0, 0};
        three_taps(x, in_c, stride, w, sums);
        three_taps(y, in_c, stride, w + 3, sums);
        three_taps(z, in_c, stride, w + 6, sums);
        tk_blocked_store2(sums[0], sums[1], record, out, in_c);
    }
}

static int8_t *fill(int8_t *to, int32_t count, int32_t value) {
    for (; count > 0; --count) {
        *to++ = (int8_t)value;
    }
    return to;
}

/* The columns under the windows of two pixels, those of the padding filled in: a row each. */
static void gather_3x3(const params *p, const int8_t *const *rows, int32_t first, int8_t *to,
                       const int8_t **found) {
    const int32_t columns = 3 + p->stride_w, in_c = p->in_c;
    const tk_span inside = tk_taps_inside(first, columns, 1, p->in_w);
    for (int32_t ky = 0; ky < 3; ++ky) {
        const int32_t begin = rows[ky] == NULL ? columns : inside.begin;
        found[ky] = to;
        to = fill(to, begin * in_c, p->in_zero_point);
        if (rows[ky] != NULL) {
            const int32_t count = (inside.end - inside.begin) * in_c;
            const int8_t *from = rows[ky] + (first + inside.begin) * in_c;
            TK_COPY(to, from, (size_t)count);
            to = fill(to + count, (columns - inside.end) * in_c, p->in_zero_point);
        }
    }
}

/* A row of at least two pixels with windows of 3x3; the last two may overlap those before. */
static void row_3x3(const params *p, const int8_t *const *rows, int8_t *out, int8_t *scratch) {
    const int32_t there = rows[0] != NULL && rows[1] != NULL && rows[2] != NULL;
    for (int32_t x = 0; x < p->out_w; x += 2) {
        const int32_t from = x + 2 > p->out_w ? p->out_w - 2 : x;
        const int32_t first = from * p->stride_w - p->pad_left;
        const int8_t *found[3];
        if (there && first >= 0 && first + 3 + p->stride_w <= p->in_w) {
            for (int32_t ky = 0; ky < 3; ++ky) {
                found[ky] = rows[ky] + first * p->in_c;
            }
        } else {
            gather_3x3(p, rows, first, scratch, found);
        }
        if (p->stride_w == 1) {
            two_pixels_3x3(p, found, 1, out + from * p->in_c);
        } else {
            two_pixels_3x3(p, found, p->stride_w, out + from * p->in_c);
        }
    }
}

/* A row of any window. */
static void row(const params *p, const int8_t *const *rows, int8_t *out, void *scratch) {
    const int8_t **const taps = scratch;
    int8_t *const padding = (int8_t *)(taps + p->kernel_h * p->kernel_w);
    for (int32_t c = 0; c < p->in_c; ++c) {
        padding[c] = (int8_t)p->in_zero_point;
    }
    for (int32_t x = 0; x < p->out_w; ++x, out += p->in_c * p->depth_multiplier) {
        place_taps(p, rows, x, padding, taps);
        one_pixel(p, taps, out);
    }
}

void tk_depthwise_conv_2d_s8_blocked_row(const params *p, const int8_t *const *rows, int8_t *out,
                                         void *scratch) {
    const int32_t taps_3x3 = p->kernel_h == 3 && p->kernel_w == 3 && p->dilation_w == 1;
    if (taps_3x3 && p->depth_multiplier == 1 && p->out_w > 1) {
        row_3x3(p, rows, out, scratch);
    } else {
        row(p, rows, out, scratch);
    }
    tk_blocked_clamp(out, p->out_w * p->in_c * p->depth_multiplier, p->out_min, p->out_max);
}

void tk_depthwise_conv_2d_s8_blocked(const params *p, const int8_t *in, int8_t *out,
                                     void *scratch) {
    const int8_t *rows[TK_MAX_KERNEL_ROWS];
    const int32_t row_values = p->in_w * p->in_c;
    for (int32_t y = 0; y < p->out_h; ++y) {
        for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
            const int32_t iy = y * p->stride_h - p->pad_top + ky * p->dilation_h;
            rows[ky] = tk_row_s8(in, p->in_h, row_values, iy);
        }
        tk_depthwise_conv_2d_s8_blocked_row(p, rows, out, scratch);
        out += p->out_w * p->in_c * p->depth_multiplier;
    }
}
