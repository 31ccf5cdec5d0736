/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_strided_copy.h"

static void copy_line(const tk_strided_copy_params *p, const void *in, int32_t from, void *out,
                      int32_t to) {
    const int32_t length = p->out_shape[4];
    const int32_t stride = p->in_strides[4];
    if (p->element_bytes == 1) {
        const uint8_t *src = (const uint8_t *)in + from;
        uint8_t *dst = (uint8_t *)out + to;
        for (int32_t i = 0; i < length; ++i) {
            dst[i] = src[i * stride];
        }
    } else {
        const uint16_t *src = (const uint16_t *)in + from;
        uint16_t *dst = (uint16_t *)out + to;
        for (int32_t i = 0; i < length; ++i) {
            dst[i] = src[i * stride];
        }
    }
}

void tk_strided_copy(const tk_strided_copy_params *p, const void *in, void *out) {
    const int32_t *n = p->out_shape;
    const int32_t *s = p->in_strides;
    int32_t to = 0;
    for (int32_t a = 0; a < n[0]; ++a) {
        for (int32_t b = 0; b < n[1]; ++b) {
            const int32_t block = p->first + a * s[0] + b * s[1];
            for (int32_t c = 0; c < n[2]; ++c) {
                for (int32_t d = 0; d < n[3]; ++d) {
                    copy_line(p, in, block + c * s[2] + d * s[3], out, to);
                    to += n[4];
                }
            }
        }
    }
}

void tk_strided_copy_row(const tk_strided_copy_params *p, const void *const *rows, void *out) {
    tk_strided_copy(p, rows[0], out);
}
