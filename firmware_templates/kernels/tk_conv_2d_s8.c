/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_conv_2d_s8.h"

static int32_t dot(const int8_t *in, const int8_t *weights, int32_t count, int32_t zero_point) {
    int32_t acc = 0;
    int32_t i = 0;
    for (; i + 4 <= count; i += 4, in += 4, weights += 4) {
        acc += (in[0] - zero_point) * weights[0];
        acc += (in[1] - zero_point) * weights[1];
        acc += (in[2] - zero_point) * weights[2];
        acc += (in[3] - zero_point) * weights[3];
    }
    for (; i < count; ++i) {
        acc += (*in++ - zero_point) * *weights++;
    }
    return acc;
}

void tk_conv_2d_s8_row(const tk_conv_2d_s8_params *p, const int8_t *const *rows, int8_t *out) {
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
            int32_t acc = p->bias[oc];
            for (int32_t ky = 0; ky < p->kernel_h; ++ky, w += tap_values) {
                if (rows[ky] == NULL) {
                    continue;
                }
                for (int32_t run = 0; run < runs; ++run) {
                    acc += dot(rows[ky] + first + run * tap_step, w + run * p->in_c, run_values,
                               p->in_zero_point);
                }
            }
            const int32_t v = tk_requantize(acc, p->multipliers[oc], p->shifts[oc]);
            *out++ = (int8_t)tk_clamp(v + p->out_zero_point, p->out_min, p->out_max);
        }
    }
}

void tk_conv_2d_s8(const tk_conv_2d_s8_params *p, const int8_t *in, int8_t *out) {
    const int8_t *rows[TK_MAX_KERNEL_ROWS];
    for (int32_t y = 0; y < p->out_h; ++y) {
        for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
            const int32_t iy = y * p->stride_h - p->pad_top + ky * p->dilation_h;
            rows[ky] = tk_row_s8(in, p->in_h, p->in_w * p->in_c, iy);
        }
        tk_conv_2d_s8_row(p, rows, out + y * p->out_w * p->out_c);
    }
}
