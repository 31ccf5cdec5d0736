/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_max_pool_2d_s16.h"

void tk_max_pool_2d_s16_row(const tk_max_pool_2d_s16_params *p, const int16_t *const *rows,
                            int16_t *out) {
    const int32_t channels = p->channels;
    for (int32_t x = 0; x < p->out_w; ++x, out += channels) {
        const int32_t x0 = x * p->stride_w - p->pad_left;
        const tk_span taps = tk_taps_inside(x0, p->kernel_w, 1, p->in_w);
        /* Starting from out_min applies the lower limit. */
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = (int16_t)p->out_min;
        }
        for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
            if (rows[ky] == NULL) {
                continue;
            }
            const int16_t *in = rows[ky] + (x0 + taps.begin) * channels;
            for (int32_t kx = taps.begin; kx < taps.end; ++kx, in += channels) {
                for (int32_t c = 0; c < channels; ++c) {
                    out[c] = in[c] > out[c] ? in[c] : out[c];
                }
            }
        }
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = out[c] > p->out_max ? (int16_t)p->out_max : out[c];
        }
    }
}

void tk_max_pool_2d_s16(const tk_max_pool_2d_s16_params *p, const int16_t *in, int16_t *out) {
    const int16_t *rows[TK_MAX_KERNEL_ROWS];
    const int32_t row_values = p->in_w * p->channels;
    for (int32_t y = 0; y < p->out_h; ++y, out += p->out_w * p->channels) {
        for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
            const int32_t iy = y * p->stride_h - p->pad_top + ky;
            rows[ky] = tk_row_s16(in, p->in_h, row_values, iy);
        }
        tk_max_pool_2d_s16_row(p, rows, out);
    }
}
