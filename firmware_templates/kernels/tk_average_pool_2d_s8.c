/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_average_pool_2d_s8.h"

#include "tk_dsp.h"
#include "tk_pool_mean.h"

/* Sums of four values without their signs: two in the halves of each word. */
typedef struct {
    uint32_t even, odd;
} sums_of_4;

/* Four channels of one pixel. */
TK_INLINE void four_channels(const int8_t *const *rows, int32_t count, int32_t at, int32_t columns,
                             int32_t channels, tk_pool_mean mean, tk_limits limits, int8_t *out) {
    sums_of_4 sums = {0, 0};
    for (int32_t row = 0; row < count; ++row) {
        const int8_t *in = rows[row] + at;
        for (int32_t column = 0; column < columns; ++column, in += channels) {
            const uint32_t four = tk_load32(in) ^ 0x80808080u;
            sums.even += four & 0x00FF00FFu;
            sums.odd += four >> 8 & 0x00FF00FFu;
        }
    }
    const int32_t signs = 128 * mean.count;
    const int32_t four[4] = {(int32_t)(sums.even & 0xFFFFu), (int32_t)(sums.odd & 0xFFFFu),
                             (int32_t)(sums.even >> 16), (int32_t)(sums.odd >> 16)};
    for (int32_t i = 0; i < 4; ++i) {
        const int32_t v = tk_pool_mean_take(mean, four[i] - signs);
        out[i] = (int8_t)tk_clamp(v, limits.low, limits.high);
    }
}

/* One channel of one pixel. */
TK_INLINE int8_t one_channel(const int8_t *const *rows, int32_t count, int32_t at, int32_t columns,
                             int32_t channels, tk_pool_mean mean, tk_limits limits) {
    int32_t sum = 0;
    for (int32_t row = 0; row < count; ++row) {
        for (int32_t column = 0; column < columns; ++column) {
            sum += rows[row][at + column * channels];
        }
    }
    return (int8_t)tk_clamp(tk_pool_mean_take(mean, sum), limits.low, limits.high);
}

void tk_average_pool_2d_s8_row(const tk_average_pool_2d_s8_params *p, const int8_t *const *rows,
                               int8_t *out) {
    const int8_t *present[TK_MAX_KERNEL_ROWS];
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
        for (; mean.count <= 256 && c + 4 <= channels; c += 4) {
            four_channels(present, count, at + c, columns, channels, mean, limits, out + c);
        }
        for (; c < channels; ++c) {
            out[c] = one_channel(present, count, at + c, columns, channels, mean, limits);
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
