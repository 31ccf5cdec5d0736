/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_conv_2d_s16_blocked.h"

#include "tk_blocked_2x2_s16.h"
#include "tk_dsp_mac.h"

typedef tk_conv_2d_s16_blocked_params params;

/* The values under the window of one pixel: in the row, or gathered. */
static const int16_t *values_of(const params *p, const int16_t *const *rows, int32_t x,
                                int16_t *to) {
    const int32_t first = x * p->stride_w - p->pad_left, last = first + p->kernel_w;
    const int32_t joined = p->dilation_w == 1 && first >= 0 && last <= p->in_w;
    const int32_t runs = joined ? 1 : p->kernel_w, values = p->kernel_w / runs * p->in_c;
    const int16_t *const start = to;
    if (joined && p->kernel_h == 1 && rows[0] != NULL) {
        return rows[0] + first * p->in_c;
    }
    for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
        for (int32_t run = 0; run < runs; ++run, to += values) {
            const int32_t at = first + run * p->dilation_w;
            if (rows[ky] != NULL && at >= 0 && at < p->in_w) {
                TK_COPY(to, rows[ky] + at * p->in_c, (size_t)values * sizeof *to);
            } else {
                TK_ZERO(to, (size_t)values * sizeof *to);
            }
        }
    }
    return start;
}

/* `some` (a constant, at most 2) channels of two pixels. */
TK_INLINE void block(const params *p, const int16_t *x, const int16_t *y, int32_t count,
                     const int8_t *w, const int32_t *records, int32_t some, int16_t *out,
                     int32_t stride) {
    const tk_limits limits = {p->out_min, p->out_max};
    const int32_t whole = count & ~3;
    tk_blocked_2x2_s16_job job = {whole, some > 1 ? count : 0, {0, 0, 0, 0}};
    if (whole > 0) {
        tk_blocked_2x2_s16(x, y, w, &job);
    }
    for (int32_t i = whole; i < count; ++i) {
        const int32_t first = w[i], second = w[job.distance + i];
        job.sums[0] += x[i] * first;
        job.sums[1] += x[i] * second;
        job.sums[2] += y[i] * first;
        job.sums[3] += y[i] * second;
    }
    for (int32_t i = 0; i < some; ++i) {
        const int32_t *const record = records + 2 * i;
        const int32_t first = tk_smmulr(job.sums[i] + record[0], record[1]);
        const int32_t second = tk_smmulr(job.sums[2 + i] + record[0], record[1]);
        out[i] = (int16_t)tk_clamp(first, limits.low, limits.high);
        out[stride + i] = (int16_t)tk_clamp(second, limits.low, limits.high);
    }
}

void tk_conv_2d_s16_blocked_row(const params *p, const int16_t *const *rows, int16_t *out,
                                void *scratch) {
    const int32_t count = p->kernel_h * p->kernel_w * p->in_c, out_c = p->out_c;
    for (int32_t x = 0; x < p->out_w; x += 2, out += 2 * out_c) {
        const int32_t both = x + 2 <= p->out_w, stride = both ? out_c : 0;
        const int16_t *const first = values_of(p, rows, x, scratch);
        const int16_t *const second =
            both ? values_of(p, rows, x + 1, (int16_t *)scratch + count) : first;
        int32_t oc = 0;
        for (; oc + 2 <= out_c; oc += 2) {
            block(p, first, second, count, p->weights + oc * count, p->requantize + 2 * oc, 2,
                  out + oc, stride);
        }
        if (oc < out_c) {
            block(p, first, second, count, p->weights + oc * count, p->requantize + 2 * oc, 1,
                  out + oc, stride);
        }
    }
}

void tk_conv_2d_s16_blocked(const params *p, const int16_t *in, int16_t *out, void *scratch) {
    const int16_t *rows[TK_MAX_KERNEL_ROWS];
    for (int32_t y = 0; y < p->out_h; ++y) {
        for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
            const int32_t iy = y * p->stride_h - p->pad_top + ky * p->dilation_h;
            rows[ky] = tk_row_s16(in, p->in_h, p->in_w * p->in_c, iy);
        }
        tk_conv_2d_s16_blocked_row(p, rows, out + y * p->out_w * p->out_c, scratch);
    }
}
