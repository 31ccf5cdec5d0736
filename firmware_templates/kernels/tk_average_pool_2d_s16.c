/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_average_pool_2d_s16.h"

#include "tk_compiler.h"
#include "tk_pool_mean.h"

/* `some` (a constant, at most 4) channels of one pixel. */
TK_INLINE void channels_of(const int16_t *const *rows, int32_t count, int32_t at, int32_t columns,
                           int32_t channels, int32_t some, tk_pool_mean mean, tk_limits limits,
                           int16_t *out) {
    int32_t sums[4] = {0, 0, 0, 0};
    for (int32_t row = 0; row < count; ++row) {
        const int16_t *in = rows[row] + at;
        for (int32_t column = 0; column < columns; ++column, in += channels) {
            for (int32_t i = 0; i < some; ++i) {
                sums[i] += in[i];
            }
        }
    }
    for (int32_t i = 0; i < some; ++i) {
        out[i] = (int16_t)tk_clamp(tk_pool_mean_take(mean, sums[i]), limits.low, limits.high);
    }
}

void tk_average_pool_2d_s16_row(const tk_average_pool_2d_s16_params *p, const int16_t *const *rows,
                                int16_t *out) {
    const int16_t *present[TK_MAX_KERNEL_ROWS];
    const int32_t channels = p->channels;
    const tk_limits limits = {p->out_min, p->out_max};
    tk_pool_mean mean = {0, 0, 0};
    int32_t count = 0;
    for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
        if (rows[ky] != NULL) {
            present[count++] = rows[ky];
        }
    }
    for (int32_t x = 0; x < p->out_w; ++x, out += channels) {
        const int32_t x0 = x * p->stride_w - p->pad_left;
        const tk_span taps = tk_taps_inside(x0, p->kernel_w, 1, p->in_w);
        const int32_t columns = taps.end - taps.begin;
        if (mean.count != count * columns) {
            mean = tk_pool_mean_of(count * columns);
        }
        const int32_t at = (x0 + taps.begin) * channels;
        int32_t c = 0;
        for (; c + 4 <= channels; c += 4) {
            channels_of(present, count, at + c, columns, channels, 4, mean, limits, out + c);
        }
        for (; c < channels; ++c) {
            channels_of(present, count, at + c, columns, channels, 1, mean, limits, out + c);
        }
    }
}

void tk_average_pool_2d_s16(const tk_average_pool_2d_s16_params *p, const int16_t *in,
                            int16_t *out) {
    const int16_t *rows[TK_MAX_KERNEL_ROWS];
    const int32_t row_values = p->in_w * p->channels;
    for (int32_t y = 0; y < p->out_h; ++y, out += p->out_w * p->channels) {
        for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
            const int32_t iy = y * p->stride_h - p->pad_top + ky;
            rows[ky] = tk_row_s16(in, p->in_h, row_values, iy);
        }
        tk_average_pool_2d_s16_row(p, rows, out);
    }
}
