/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_max_pool_2d_s8.h"

#include "tk_dsp.h"

/* Four channels of a column in three rows. */
TK_INLINE uint32_t largest_of_3(const int8_t *const *rows, int32_t at) {
    uint32_t words[3];
    tk_load32_of_3(rows, at, words);
    return tk_larger8(tk_larger8(words[0], words[1]), words[2]);
}

/* Four channels of `pixels` windows of 3x3 at stride 2, the first one's second column at `at`: each
 * shares a column with the next, and the first may have `before` in place of its first column. */
static void slide_3x3(const int8_t *const *rows, int32_t before, int32_t at, int32_t channels,
                      int32_t pixels, int8_t *out) {
    uint32_t shared = largest_of_3(rows, before);
    for (; pixels > 0; --pixels, out += channels, at += channels) {
        const uint32_t four = tk_larger8(shared, largest_of_3(rows, at));
        at += channels;
        shared = largest_of_3(rows, at);
        tk_store32(out, tk_larger8(four, shared));
    }
}

/* All channels, at least four of them, of those pixels: four after four, the last ones overlapping
 * those before. */
static void pixels_3x3(const int8_t *const *rows, int32_t before, int32_t at, int32_t channels,
                       int32_t pixels, int8_t *out) {
    for (int32_t c = 0; c < channels; c += 4) {
        const int32_t first = c + 4 > channels ? channels - 4 : c;
        slide_3x3(rows, before + first, at + first, channels, pixels, out + first);
    }
}

/* All channels, at least four of them, of one pixel of any window. */
TK_INLINE void pixel_of(const int8_t *const *rows, int32_t count, int32_t at, int32_t columns,
                        int32_t channels, int8_t *out) {
    for (int32_t c = 0; c < channels; c += 4) {
        const int32_t first = c + 4 > channels ? channels - 4 : c;
        uint32_t four = 0x80808080u; /* the least */
        for (int32_t row = 0; row < count; ++row) {
            const int8_t *in = rows[row] + at + first;
            for (int32_t column = 0; column < columns; ++column, in += channels) {
                four = tk_larger8(four, tk_load32(in));
            }
        }
        tk_store32(out + first, four);
    }
}

static void pixel(const int8_t *const *rows, int32_t count, int32_t at, int32_t columns,
                  int32_t channels, int8_t *out) {
#if TK_DSP_INSTRUCTIONS /* elsewhere a maximum of four is so long that unrolling it costs more */
    if (columns == 2) {
        pixel_of(rows, count, at, 2, channels, out);
        return;
    }
    if (columns == 3) {
        pixel_of(rows, count, at, 3, channels, out);
        return;
    }
#endif
    pixel_of(rows, count, at, columns, channels, out);
}

/* The same for fewer than four channels. */
static void pixel_by_bytes(const int8_t *const *rows, int32_t count, int32_t at, int32_t columns,
                           int32_t channels, int8_t *out) {
    for (int32_t c = 0; c < channels; ++c) {
        int8_t largest = rows[0][at + c];
        for (int32_t row = 0; row < count; ++row) {
            for (int32_t column = 0; column < columns; ++column) {
                const int8_t v = rows[row][at + column * channels + c];
                largest = v > largest ? v : largest;
            }
        }
        out[c] = largest;
    }
}

void tk_max_pool_2d_s8_row(const tk_max_pool_2d_s8_params *p, const int8_t *const *rows,
                           int8_t *out) {
    const int8_t *present[TK_MAX_KERNEL_ROWS];
    const int32_t channels = p->channels;
    int32_t count = 0;
    for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
        if (rows[ky] != NULL) {
            present[count++] = rows[ky];
        }
    }
    int32_t x = 0;
    if (channels >= 4 && p->kernel_h == 3 && p->kernel_w == 3 && p->stride_w == 2 &&
        p->pad_left <= 1 && p->in_w + p->pad_left >= 3) {
        /* A row or column taken twice changes no maximum. */
        for (int32_t row = count; row < 3; ++row) {
            present[row] = present[0];
        }
        const int32_t whole = (p->in_w + p->pad_left - 3) / 2 + 1;
        x = whole < p->out_w ? whole : p->out_w;
        pixels_3x3(present, 0, (1 - p->pad_left) * channels, channels, x, out);
    }
    for (; x < p->out_w; ++x) {
        const int32_t x0 = x * p->stride_w - p->pad_left;
        const tk_span taps = tk_taps_inside(x0, p->kernel_w, 1, p->in_w);
        const int32_t columns = taps.end - taps.begin, at = (x0 + taps.begin) * channels;
        if (channels < 4) {
            pixel_by_bytes(present, count, at, columns, channels, out + x * channels);
        } else {
            pixel(present, count, at, columns, channels, out + x * channels);
        }
    }
    tk_pool_2d_clamp_s8(p, out);
}

void tk_max_pool_2d_s8(const tk_max_pool_2d_s8_params *p, const int8_t *in, int8_t *out) {
    const int8_t *rows[TK_MAX_KERNEL_ROWS];
    const int32_t row_values = p->in_w * p->channels;
    for (int32_t y = 0; y < p->out_h; ++y, out += p->out_w * p->channels) {
        for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
            const int32_t iy = y * p->stride_h - p->pad_top + ky;
            rows[ky] = tk_row_s8(in, p->in_h, row_values, iy);
        }
        tk_max_pool_2d_s8_row(p, rows, out);
    }
}
