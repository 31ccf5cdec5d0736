/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_average_pool_2d_s8.h"

void tk_average_pool_2d_s8_row(const tk_average_pool_2d_s8_params *p, const int8_t *const *rows,
                               int8_t *out) {
    const int32_t channels = p->channels;
    int32_t rows_inside = 0;
    for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
        rows_inside += rows[ky] != NULL ? 1 : 0;
    }
    for (int32_t x = 0; x < p->out_w; ++x) {
        const int32_t x0 = x * p->stride_w - p->pad_left;
        const tk_span taps = tk_taps_inside(x0, p->kernel_w, 1, p->in_w);
        const int32_t count = rows_inside * (taps.end - taps.begin);
        for (int32_t c = 0; c < channels; ++c) {
            int32_t sum = 0;
            for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
                if (rows[ky] == NULL) {
                    continue;
                }
                const int8_t *in = rows[ky] + (x0 + taps.begin) * channels + c;
                for (int32_t kx = taps.begin; kx < taps.end; ++kx, in += channels) {
                    sum += *in;
                }
            }
            *out++ = (int8_t)tk_clamp(tk_rounded_mean(sum, count), p->out_min, p->out_max);
        }
    }
}

void tk_average_pool_2d_s8(const tk_average_pool_2d_s8_params *p, const int8_t *in, int8_t *out) {
    const int8_t *rows[TK_MAX_KERNEL_ROWS];
    const int32_t row_values = p->in_w * p->channels;
    for (int32_t y = 0; y < p->out_h; ++y, out += p->out_w * p->channels) {
        for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
            const int32_t iy = y * p->stride_h - p->pad_top + ky;
            rows[ky] = tk_row_s8(in, p->in_h, row_values, iy);
        }
        tk_average_pool_2d_s8_row(p, rows, out);
    }
}
