/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_pad.h"

/* Both give the place after what they have written. */
static uint8_t *fill(const tk_pad_params *p, uint8_t *out, int32_t count) {
    if (p->element_bytes == 1) {
        for (int32_t i = 0; i < count; ++i) {
            out[i] = (uint8_t)p->value;
        }
    } else {
        uint16_t *to = (void *)out;
        for (int32_t i = 0; i < count; ++i) {
            to[i] = (uint16_t)p->value;
        }
    }
    return out + count * p->element_bytes;
}

static uint8_t *copy(const uint8_t *in, uint8_t *out, int32_t bytes) {
    for (int32_t i = 0; i < bytes; ++i) {
        out[i] = in[i];
    }
    return out + bytes;
}

void tk_pad(const tk_pad_params *p, const void *in, void *out) {
    const int32_t *n = p->dims, *before = p->before, *after = p->after;
    const int32_t line_bytes = n[3] * p->element_bytes;
    /* Padded elements below each dimension. */
    const int32_t row = before[3] + n[3] + after[3];
    const int32_t plane = (before[2] + n[2] + after[2]) * row;
    const int32_t block = (before[1] + n[1] + after[1]) * plane;
    const uint8_t *from = in;
    uint8_t *to = fill(p, out, before[0] * block);
    for (int32_t i = 0; i < n[0]; ++i) {
        to = fill(p, to, before[1] * plane);
        for (int32_t j = 0; j < n[1]; ++j) {
            to = fill(p, to, before[2] * row);
            for (int32_t k = 0; k < n[2]; ++k, from += line_bytes) {
                to = fill(p, to, before[3]);
                to = copy(from, to, line_bytes);
                to = fill(p, to, after[3]);
            }
            to = fill(p, to, after[2] * row);
        }
        to = fill(p, to, after[1] * plane);
    }
    fill(p, to, after[0] * block);
}

void tk_pad_row(const tk_pad_params *p, const void *const *rows, void *out) {
    if (rows[0] != NULL) {
        tk_pad(p, rows[0], out);
        return;
    }
    int32_t elements = 1;
    for (int32_t i = 0; i < 4; ++i) {
        elements *= p->before[i] + p->dims[i] + p->after[i];
    }
    fill(p, out, elements);
}
