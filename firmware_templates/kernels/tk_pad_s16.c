#include "tk_pad_s16.h"

static int16_t *fill(int16_t *out, int32_t value, int32_t count) {
    for (int32_t i = 0; i < count; ++i) {
        out[i] = (int16_t)value;
    }
    return out + count;
}

void tk_pad_s16(const tk_pad_s16_params *p, const int16_t *in, int16_t *out) {
    const int32_t *n = p->dims, *before = p->before, *after = p->after;
    /* Padded elements below each dimension. */
    const int32_t row = before[3] + n[3] + after[3];
    const int32_t plane = (before[2] + n[2] + after[2]) * row;
    const int32_t block = (before[1] + n[1] + after[1]) * plane;
    out = fill(out, p->value, before[0] * block);
    for (int32_t i = 0; i < n[0]; ++i) {
        out = fill(out, p->value, before[1] * plane);
        for (int32_t j = 0; j < n[1]; ++j) {
            out = fill(out, p->value, before[2] * row);
            for (int32_t k = 0; k < n[2]; ++k) {
                out = fill(out, p->value, before[3]);
                for (int32_t l = 0; l < n[3]; ++l) {
                    *out++ = *in++;
                }
                out = fill(out, p->value, after[3]);
            }
            out = fill(out, p->value, after[2] * row);
        }
        out = fill(out, p->value, after[1] * plane);
    }
    fill(out, p->value, after[0] * block);
}

void tk_pad_s16_row(const tk_pad_s16_params *p, const int16_t *const *rows, int16_t *out) {
    if (rows[0] != NULL) {
        tk_pad_s16(p, rows[0], out);
        return;
    }
    int32_t values = 1;
    for (int32_t i = 0; i < 4; ++i) {
        values *= p->before[i] + p->dims[i] + p->after[i];
    }
    fill(out, p->value, values);
}
