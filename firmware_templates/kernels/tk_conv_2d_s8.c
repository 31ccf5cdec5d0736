#include "tk_conv_2d_s8.h"

#define ROW_FUNCTION tk_conv_2d_s8_row
#define ROW_DOT dot_s8
#define ROW_VALUE int8_t
#define ROW_ZERO_POINT p->in_zero_point
#include "tk_conv_2d_row.h"
#undef ROW_FUNCTION
#undef ROW_DOT
#undef ROW_VALUE
#undef ROW_ZERO_POINT

#define ROW_FUNCTION tk_conv_2d_s8_row_s16
#define ROW_DOT dot_s16
#define ROW_VALUE int16_t
#define ROW_ZERO_POINT 0
#include "tk_conv_2d_row.h"

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
