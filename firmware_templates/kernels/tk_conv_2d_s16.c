/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_conv_2d_s16.h"

/* Products that a 32-bit sum holds: 2^15 * 127 * 512 < 2^31. */
#define PRODUCTS 512

static int64_t dot_s16(const int16_t *in, const int8_t *weights, int32_t count) {
    int64_t total = 0;
    while (count > 0) {
        const int32_t block = count < PRODUCTS ? count : PRODUCTS;
        int32_t acc = 0;
        int32_t i = 0;
        for (; i + 4 <= block; i += 4, in += 4, weights += 4) {
            acc += in[0] * weights[0];
            acc += in[1] * weights[1];
            acc += in[2] * weights[2];
            acc += in[3] * weights[3];
        }
        for (; i < block; ++i) {
            acc += *in++ * *weights++;
        }
        total += acc;
        count -= block;
    }
    return total;
}

void tk_conv_2d_s16_row(const tk_conv_2d_s16_params *p, const int16_t *const *rows, int16_t *out) {
    const int32_t tap_values = p->kernel_w * p->in_c;
    const int32_t tap_step = p->dilation_w * p->in_c;
    for (int32_t x = 0; x < p->out_w; ++x) {
        const int32_t x0 = x * p->stride_w - p->pad_left;
        const tk_span taps = tk_taps_inside(x0, p->kernel_w, p->dilation_w, p->in_w);
        /* Neighbouring taps are one run of values, dilated ones a run each. */
        const int32_t inside = taps.end - taps.begin;
        const int32_t runs = p->dilation_w == 1 ? 1 : inside;
        const int32_t run_values = p->dilation_w == 1 ? inside * p->in_c : p->in_c;
        const int32_t first = (x0 + taps.begin * p->dilation_w) * p->in_c;
        const int8_t *w = p->weights + taps.begin * p->in_c;
        for (int32_t oc = 0; oc < p->out_c; ++oc) {
            int64_t acc = p->bias[oc];
            for (int32_t ky = 0; ky < p->kernel_h; ++ky, w += tap_values) {
                if (rows[ky] == NULL) {
                    continue;
                }
                for (int32_t run = 0; run < runs; ++run) {
                    acc +=
                        dot_s16(rows[ky] + first + run * tap_step, w + run * p->in_c, run_values);
                }
            }
            const int32_t v = tk_requantize_int64(acc, p->multipliers[oc], p->shifts[oc]);
            *out++ = (int16_t)tk_clamp(v, p->out_min, p->out_max);
        }
    }
}

void tk_conv_2d_s16(const tk_conv_2d_s16_params *p, const int16_t *in, int16_t *out) {
    const int16_t *rows[TK_MAX_KERNEL_ROWS];
    for (int32_t y = 0; y < p->out_h; ++y) {
        for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
            const int32_t iy = y * p->stride_h - p->pad_top + ky * p->dilation_h;
            rows[ky] = tk_row_s16(in, p->in_h, p->in_w * p->in_c, iy);
        }
        tk_conv_2d_s16_row(p, rows, out + y * p->out_w * p->out_c);
    }
}
