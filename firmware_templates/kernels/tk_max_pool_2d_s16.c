/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_max_pool_2d_s16.h"

#include "tk_dsp.h"

/* `some` (a constant, at most 4) channels of one pixel. */
TK_INLINE void channels_of(const int16_t *const *rows, int32_t count, int32_t at, int32_t columns,
                           int32_t channels, int32_t some, int16_t *out) {
    int32_t largest[4] = {INT16_MIN, INT16_MIN, INT16_MIN, INT16_MIN};
    for (int32_t row = 0; row < count; ++row) {
        const int16_t *in = rows[row] + at;
        for (int32_t column = 0; column < columns; ++column, in += channels) {
            for (int32_t i = 0; i < some; ++i) {
                largest[i] = in[i] > largest[i] ? in[i] : largest[i];
            }
        }
    }
    for (int32_t i = 0; i < some; ++i) {
        out[i] = (int16_t)largest[i];
    }
}

/* Four channels of one pixel; by words where an instruction compares two. */
TK_INLINE void four_channels(const int16_t *const *rows, int32_t count, int32_t at, int32_t columns,
                             int32_t channels, int16_t *out) {
#if TK_DSP_INSTRUCTIONS
    uint32_t left = 0x80008000u, right = left; /* the least */
    for (int32_t row = 0; row < count; ++row) {
        const int16_t *in = rows[row] + at;
        for (int32_t column = 0; column < columns; ++column, in += channels) {
            left = tk_larger16(left, tk_load32(in));
            right = tk_larger16(right, tk_load32(in + 2));
        }
    }
    tk_store32(out, left);
    tk_store32(out + 2, right);
#else
    channels_of(rows, count, at, columns, channels, 4, out);
#endif
}

/* All channels of one pixel. */
TK_INLINE void pixel_of(const int16_t *const *rows, int32_t count, int32_t at, int32_t columns,
                        int32_t channels, int16_t *out) {
    int32_t c = 0;
    for (; c + 4 <= channels; c += 4) {
        four_channels(rows, count, at + c, columns, channels, out + c);
    }
    for (; c < channels; ++c) {
        channels_of(rows, count, at + c, columns, channels, 1, out + c);
    }
}

static void pixel(const int16_t *const *rows, int32_t count, int32_t at, int32_t columns,
                  int32_t channels, int16_t *out) {
    if (columns == 2) {
        pixel_of(rows, count, at, 2, channels, out);
    } else if (columns == 3) {
        pixel_of(rows, count, at, 3, channels, out);
    } else {
        pixel_of(rows, count, at, columns, channels, out);
    }
}

void tk_max_pool_2d_s16_row(const tk_max_pool_2d_s16_params *p, const int16_t *const *rows,
                            int16_t *out) {
    const int16_t *present[TK_MAX_KERNEL_ROWS];
    const int32_t channels = p->channels;
    int32_t count = 0;
    for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
        if (rows[ky] != NULL) {
            present[count++] = rows[ky];
        }
    }
    for (int32_t x = 0; x < p->out_w; ++x) {
        const int32_t x0 = x * p->stride_w - p->pad_left;
        const tk_span taps = tk_taps_inside(x0, p->kernel_w, 1, p->in_w);
        const int32_t at = (x0 + taps.begin) * channels;
        pixel(present, count, at, taps.end - taps.begin, channels, out + x * channels);
    }
    tk_pool_2d_clamp_s16(p, out);
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
