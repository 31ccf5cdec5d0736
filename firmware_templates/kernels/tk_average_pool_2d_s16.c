/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_average_pool_2d_s16.h"

#include "tk_compiler.h"
#include "tk_pool_mean.h"

/* `some` (a constant, at most 4) channels of one pixel. */
TK_INLINE void channels_of(const int16_t *const *rows, int32_t count, int32_t at, int32_t columns,
                           int32_t channels, int32_t some, tk_pool_mean mean, int16_t *out) {
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
        out[i] = (int16_t)(mean.reciprocal == 0 ? tk_rounded_mean(sums[i], mean.count)
                                                : tk_pool_mean_take(mean, sums[i]));
    }
}

/* All channels of one pixel. */
TK_INLINE void pixel_of(const int16_t *const *rows, int32_t count, int32_t at, int32_t columns,
                        int32_t channels, tk_pool_mean mean, int16_t *out) {
    int32_t c = 0;
    for (; mean.reciprocal != 0 && c + 4 <= channels; c += 4) {
        channels_of(rows, count, at + c, columns, channels, 4, mean, out + c);
    }
    for (; c < channels; ++c) {
        channels_of(rows, count, at + c, columns, channels, 1, mean, out + c);
    }
}

static void pixel(const int16_t *const *rows, int32_t count, int32_t at, int32_t columns,
                  int32_t channels, tk_pool_mean mean, int16_t *out) {
    if (columns == 2) {
        pixel_of(rows, count, at, 2, channels, mean, out);
    } else if (columns == 3) {
        pixel_of(rows, count, at, 3, channels, mean, out);
    } else {
        pixel_of(rows, count, at, columns, channels, mean, out);
    }
}

void tk_average_pool_2d_s16_row(const tk_average_pool_2d_s16_params *p, const int16_t *const *rows,
                                int16_t *out) {
    const int16_t *present[TK_MAX_KERNEL_ROWS];
    const int32_t channels = p->channels;
    tk_pool_mean mean = {0, 0, 0, 0, 0};
    int32_t count = 0;
    for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
        if (rows[ky] != NULL) {
            present[count++] = rows[ky];
        }
    }
    for (int32_t x = 0; x < p->out_w; ++x) {
        const int32_t x0 = x * p->stride_w - p->pad_left;
        const tk_span taps = tk_taps_inside(x0, p->kernel_w, 1, p->in_w);
        const int32_t columns = taps.end - taps.begin, at = (x0 + taps.begin) * channels;
        if (mean.count != count * columns) {
            mean = tk_pool_mean_of(count * columns, 32768);
        }
        pixel(present, count, at, columns, channels, mean, out + x * channels);
    }
    tk_pool_2d_clamp_s16(p, out);
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
