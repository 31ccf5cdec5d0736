#include "tk_conv_2d_s8.h"

void tk_conv_2d_s8_row(const tk_conv_2d_s8_params *p, const int8_t *const *rows, int8_t *out) {
    const int32_t tap_values = p->kernel_w * p->in_c;
    for (int32_t x = 0; x < p->out_w; ++x) {
        const int32_t x0 = x * p->stride_w - p->pad_left;
        const int8_t *w = p->weights;
        for (int32_t oc = 0; oc < p->out_c; ++oc) {
            int32_t acc = p->bias[oc];
            for (int32_t ky = 0; ky < p->kernel_h; ++ky, w += tap_values) {
                if (rows[ky] == NULL) {
                    continue;
                }
                for (int32_t kx = 0; kx < p->kernel_w; ++kx) {
                    const int32_t ix = x0 + kx * p->dilation_w;
                    if (ix < 0 || ix >= p->in_w) {
                        continue;
                    }
                    const int8_t *in = rows[ky] + ix * p->in_c;
                    const int8_t *wt = w + kx * p->in_c;
                    for (int32_t c = 0; c < p->in_c; ++c) {
                        acc += (in[c] - p->in_zero_point) * wt[c];
                    }
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
            rows[ky] = iy >= 0 && iy < p->in_h ? in + iy * p->in_w * p->in_c : NULL;
        }
        tk_conv_2d_s8_row(p, rows, out + y * p->out_w * p->out_c);
    }
}
