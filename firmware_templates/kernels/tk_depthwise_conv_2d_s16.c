/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_depthwise_conv_2d_s16.h"

void tk_depthwise_conv_2d_s16_row(const tk_depthwise_conv_2d_s16_params *p,
                                  const int16_t *const *rows, int16_t *out) {
    const int32_t out_c = p->in_c * p->depth_multiplier;
    const int32_t tap_step = p->dilation_w * p->in_c;
    for (int32_t x = 0; x < p->out_w; ++x) {
        const int32_t x0 = x * p->stride_w - p->pad_left;
        const tk_span taps = tk_taps_inside(x0, p->kernel_w, p->dilation_w, p->in_w);
        int32_t oc = 0;
        for (int32_t c = 0; c < p->in_c; ++c) {
            for (int32_t m = 0; m < p->depth_multiplier; ++m, ++oc) {
                int64_t acc = p->bias[oc];
                for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
                    if (rows[ky] == NULL) {
                        continue;
                    }
                    int32_t at = (x0 + taps.begin * p->dilation_w) * p->in_c + c;
                    const int8_t *w = p->weights + (ky * p->kernel_w + taps.begin) * out_c + oc;
                    for (int32_t kx = taps.begin; kx < taps.end; ++kx, at += tap_step, w += out_c) {
                        acc += rows[ky][at] * *w;
                    }
                }
                const int32_t v = tk_requantize_int64(acc, p->multipliers[oc], p->shifts[oc]);
                *out++ = (int16_t)tk_clamp(v, p->out_min, p->out_max);
            }
        }
    }
}

void tk_depthwise_conv_2d_s16(const tk_depthwise_conv_2d_s16_params *p, const int16_t *in,
                              int16_t *out) {
    const int16_t *rows[TK_MAX_KERNEL_ROWS];
    const int32_t row_values = p->in_w * p->in_c;
    for (int32_t y = 0; y < p->out_h; ++y) {
        for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
            const int32_t iy = y * p->stride_h - p->pad_top + ky * p->dilation_h;
            rows[ky] = tk_row_s16(in, p->in_h, row_values, iy);
        }
        tk_depthwise_conv_2d_s16_row(p, rows, out);
        out += p->out_w * p->in_c * p->depth_multiplier;
    }
}
