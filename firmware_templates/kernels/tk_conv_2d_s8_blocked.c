/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_conv_2d_s8_blocked.h"

#include "tk_blocked_1x3_s8.h"
#include "tk_blocked_2x2_s8.h"

/* `count` values of two pixels as words; NULL: the padding. */
static uint32_t *pack_run(const int8_t *a, const int8_t *b, int32_t count, int32_t padding,
                          uint32_t *to) {
    if (a != NULL && b != NULL) {
        for (int32_t i = 0; i < count; ++i) {
            to[i] = tk_word(a[i]) + (tk_word(b[i]) << 16);
        }
    } else {
        for (int32_t i = 0; i < count; ++i) {
            const int32_t low = a != NULL ? a[i] : padding, high = b != NULL ? b[i] : padding;
            to[i] = tk_word(low) + (tk_word(high) << 16);
        }
    }
    return to + count;
}

/* A tap of a row; NULL in the padding. */
static const int8_t *tap_at(const tk_conv_2d_s8_blocked_params *p, const int8_t *row, int32_t x) {
    return row != NULL && x >= 0 && x < p->in_w ? row + x * p->in_c : NULL;
}

/* The values under the windows of pixels x and x + 1. */
static void pack(const tk_conv_2d_s8_blocked_params *p, const int8_t *const *rows, int32_t x,
                 uint32_t *to) {
    const int32_t first = x * p->stride_w - p->pad_left, second = first + p->stride_w;
    const int32_t joined = p->dilation_w == 1 && first >= 0 && second + p->kernel_w <= p->in_w;
    const int32_t runs = joined ? 1 : p->kernel_w, values = p->kernel_w / runs * p->in_c;
    for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
        for (int32_t run = 0; run < runs; ++run) {
            const int32_t at = run * p->dilation_w;
            to = pack_run(tap_at(p, rows[ky], first + at), tap_at(p, rows[ky], second + at), values,
                          p->in_zero_point, to);
        }
    }
}

/* Two channels of two pixels; one where `alone`. */
TK_INLINE void two_by_two(const tk_conv_2d_s8_blocked_params *p, const uint32_t *x, int32_t count,
                          const int8_t *w, const int32_t *record, int32_t alone, int8_t *out) {
    const int32_t whole = count & ~3, calls = count % 4;
    tk_blocked_2x2_s8_job job;
    job.count = whole;
    job.distance = alone ? 0 : count;
    if (whole > 0) {
        tk_blocked_2x2_s8(x, w, &job);
    } else {
        TK_ZERO(job.sums, sizeof job.sums);
    }
    tk_pair_sums a = job.sums[0], b = job.sums[1];
    const int8_t *v = w + job.distance + whole;
    w += whole;
    x += whole;
    for (int32_t left = calls; left > 0; --left, ++x, ++w, ++v) {
        tk_pair_add(&a, x[0] * tk_word(w[0]));
        if (!alone) {
            tk_pair_add(&b, x[0] * tk_word(v[0]));
        }
    }
    tk_blocked_store2(tk_pair_low(a, calls), a.high, record, out, p->out_c);
    if (!alone) {
        tk_blocked_store2(tk_pair_low(b, calls), b.high, record + 4, out + 1, p->out_c);
    }
}

/* The values under the window of one pixel. */
static void gather(const tk_conv_2d_s8_blocked_params *p, const int8_t *const *rows, int32_t x,
                   int8_t *to) {
    for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
        for (int32_t kx = 0; kx < p->kernel_w; ++kx) {
            const int32_t at = x * p->stride_w - p->pad_left + kx * p->dilation_w;
            const int8_t *from = tap_at(p, rows[ky], at);
            for (int32_t i = 0; i < p->in_c; ++i) {
                *to++ = from != NULL ? from[i] : (int8_t)p->in_zero_point;
            }
        }
    }
}

void tk_conv_2d_s8_blocked_row(const tk_conv_2d_s8_blocked_params *p, const int8_t *const *rows,
                               int8_t *out, void *scratch) {
    const int32_t count = p->kernel_h * p->kernel_w * p->in_c;
    int32_t x = 0;
    for (; x + 2 <= p->out_w; x += 2) {
        int8_t *const to = out + x * p->out_c;
        const int8_t *w = p->weights;
        const int32_t *record = p->requantize;
        int32_t oc = 0;
        pack(p, rows, x, scratch);
        for (; oc + 2 <= p->out_c; oc += 2, w += 2 * count, record += 8) {
            two_by_two(p, scratch, count, w, record, 0, to + oc);
        }
        if (oc < p->out_c) {
            two_by_two(p, scratch, count, w, record, 1, to + oc);
        }
    }
    if (x < p->out_w) {
        const int8_t *values = tap_at(p, rows[0], x * p->stride_w - p->pad_left);
        if (p->kernel_h * p->kernel_w > 1 || values == NULL) {
            gather(p, rows, x, scratch);
            values = scratch;
        }
        tk_blocked_vector(values, count, p->weights, p->out_c, p->requantize, out + x * p->out_c);
    }
    tk_blocked_clamp(out, p->out_w * p->out_c, p->out_min, p->out_max);
}

void tk_conv_2d_s8_blocked(const tk_conv_2d_s8_blocked_params *p, const int8_t *in, int8_t *out,
                           void *scratch) {
    const int8_t *rows[TK_MAX_KERNEL_ROWS];
    for (int32_t y = 0; y < p->out_h; ++y) {
        for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
            const int32_t iy = y * p->stride_h - p->pad_top + ky * p->dilation_h;
            rows[ky] = tk_row_s8(in, p->in_h, p->in_w * p->in_c, iy);
        }
        tk_conv_2d_s8_blocked_row(p, rows, out + y * p->out_w * p->out_c, scratch);
    }
}
