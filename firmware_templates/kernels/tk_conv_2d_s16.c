#include "tk_conv_2d_s16.h"

void tk_conv_2d_s16_row(const tk_conv_2d_s16_params *p, const int16_t *const *rows, int16_t *out) {
    const int32_t tap_values = p->kernel_w * p->in_c;
    for (int32_t x = 0; x < p->out_w; ++x) {
        const int32_t x0 = x * p->stride_w - p->pad_left;
        const tk_span taps = tk_taps_inside(x0, p->kernel_w, p->dilation_w, p->in_w);
        const int8_t *w = p->weights;
        for (int32_t oc = 0; oc < p->out_c; ++oc) {
            int64_t acc = p->bias[oc];
            for (int32_t ky = 0; ky < p->kernel_h; ++ky, w += tap_values) {
                if (rows[ky] == NULL) {
                    continue;
                }
                for (int32_t kx = taps.begin; kx < taps.end; ++kx) {
                    const int16_t *in = rows[ky] + (x0 + kx * p->dilation_w) * p->in_c;
                    const int8_t *tap = w + kx * p->in_c;
                    for (int32_t c = 0; c < p->in_c; ++c) {
                        acc += in[c] * tap[c];
                    }
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
            rows[ky] = iy >= 0 && iy < p->in_h ? in + iy * p->in_w * p->in_c : NULL;
        }
        tk_conv_2d_s16_row(p, rows, out + y * p->out_w * p->out_c);
    }
}
