/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_resize_bilinear_s8.h"

#define ONE 1024

void tk_resize_bilinear_s8(const tk_resize_bilinear_s8_params *p, const int8_t *in, int8_t *out) {
    const int32_t channels = p->channels, row_values = p->in_width * channels;
    for (int32_t y = 0; y < p->out_height; ++y) {
        const int8_t *above = in + p->y_low[y] * row_values;
        const int8_t *below = in + p->y_high[y] * row_values;
        const int32_t down = p->y_part[y];
        for (int32_t x = 0; x < p->out_width; ++x) {
            const int32_t left = p->x_low[x] * channels, right = p->x_high[x] * channels;
            const int32_t along = p->x_part[x];
            for (int32_t c = 0; c < channels; ++c) {
                const int32_t first = above[left + c] * (ONE - down) + below[left + c] * down;
                const int32_t second = above[right + c] * (ONE - down) + below[right + c] * down;
                const int32_t sum = first * (ONE - along) + second * along;
                const int32_t half = sum > 0 ? ONE * ONE / 2 : -(ONE * ONE / 2);
                *out++ = (int8_t)((sum + half) / (ONE * ONE));
            }
        }
    }
}
