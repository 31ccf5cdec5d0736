/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_average_pool_2d_s8.h"

#include "tk_dsp.h"
#include "tk_pool_mean.h"

/* Sums of four values, two in the halves of each word: with their signs where an instruction adds
 * two, else without. */
typedef struct {
    uint32_t even, odd;
} sums_of_4;

TK_INLINE sums_of_4 plus(sums_of_4 sums, uint32_t four) {
#if TK_DSP_INSTRUCTIONS
    const sums_of_4 more = {tk_sxtab16(sums.even, four), tk_sxtab16_ror8(sums.odd, four)};
#else
    const uint32_t unsigned4 = four ^ 0x80808080u;
    const sums_of_4 more = {sums.even + (unsigned4 & 0x00FF00FFu),
                            sums.odd + (unsigned4 >> 8 & 0x00FF00FFu)};
#endif
    return more;
}

/* Four channels of one pixel. */
TK_INLINE void four_channels(const int8_t *const *rows, int32_t count, int32_t at, int32_t columns,
                             int32_t channels, tk_pool_mean mean, int8_t *out) {
    sums_of_4 sums = {0, 0};
    for (int32_t row = 0; row < count; ++row) {
        const int8_t *in = rows[row] + at;
        for (int32_t column = 0; column < columns; ++column, in += channels) {
            sums = plus(sums, tk_load32(in));
        }
    }
#if TK_DSP_INSTRUCTIONS
    const int32_t four[4] = {tk_low16(sums.even), tk_low16(sums.odd), tk_high16(sums.even),
                             tk_high16(sums.odd)};
#else
    const int32_t signs = 128 * mean.count;
    const int32_t four[4] = {(int32_t)(sums.even & 0xFFFFu) - signs,
                             (int32_t)(sums.odd & 0xFFFFu) - signs,
                             (int32_t)(sums.even >> 16) - signs, (int32_t)(sums.odd >> 16) - signs};
#endif
    for (int32_t i = 0; i < 4; ++i) {
        out[i] = (int8_t)tk_pool_mean_take(mean, four[i]);
    }
}

/* One channel of one pixel. */
TK_INLINE int8_t one_channel(const int8_t *const *rows, int32_t count, int32_t at, int32_t columns,
                             int32_t channels, tk_pool_mean mean) {
    int32_t sum = 0;
    for (int32_t row = 0; row < count; ++row) {
        for (int32_t column = 0; column < columns; ++column) {
            sum += rows[row][at + column * channels];
        }
    }
    return (int8_t)(mean.reciprocal == 0 ? tk_rounded_mean(sum, mean.count)
                                         : tk_pool_mean_take(mean, sum));
}

/* All channels of one pixel. */
TK_INLINE void pixel_of(const int8_t *const *rows, int32_t count, int32_t at, int32_t columns,
                        int32_t channels, tk_pool_mean mean, int8_t *out) {
    int32_t c = 0;
    for (; mean.reciprocal != 0 && c + 4 <= channels; c += 4) {
        four_channels(rows, count, at + c, columns, channels, mean, out + c);
    }
    for (; c < channels; ++c) {
        out[c] = one_channel(rows, count, at + c, columns, channels, mean);
    }
}

static void pixel(const int8_t *const *rows, int32_t count, int32_t at, int32_t columns,
                  int32_t channels, tk_pool_mean mean, int8_t *out) {
    if (columns == 2) {
        pixel_of(rows, count, at, 2, channels, mean, out);
    } else if (columns == 3) {
        pixel_of(rows, count, at, 3, channels, mean, out);
    } else {
        pixel_of(rows, count, at, columns, channels, mean, out);
    }
}

void tk_average_pool_2d_s8_row(const tk_average_pool_2d_s8_params *p, const int8_t *const *rows,
                               int8_t *out) {
    const int8_t *present[TK_MAX_KERNEL_ROWS];
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
            mean = tk_pool_mean_of(count * columns, 128);
        }
        pixel(present, count, at, columns, channels, mean, out + x * channels);
    }
    tk_pool_2d_clamp_s8(p, out);
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
