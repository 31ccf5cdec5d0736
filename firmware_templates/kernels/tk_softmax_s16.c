/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_softmax_s16.h"

/* Table value at an int16 position: the high 9 bits choose the entry, the low 7 interpolate. */
static int32_t lookup(const int16_t *table, int32_t position) {
    const int16_t *entry = table + 256 + (position >> 7);
    const int32_t slope = entry[1] - entry[0];
    return entry[0] + ((slope * (position & 0x7F) + 64) >> 7);
}

static int32_t maximum(const int16_t *x, int32_t n) {
    int32_t max = x[0];
    for (int32_t i = 1; i < n; ++i) {
        max = x[i] > max ? x[i] : max;
    }
    return max;
}

static void softmax_row(const tk_softmax_s16_params *p, const int16_t *in, int16_t *out) {
    const int32_t max = maximum(in, p->depth);
    int32_t sum = 0; /* Q16.15, at least one */
    for (int32_t i = 0; i < p->depth; ++i) {
        const int32_t scaled = tk_requantize(in[i] - max, p->multiplier, p->shift);
        const int32_t position = tk_clamp(scaled, -65535, 0) + INT16_MAX;
        out[i] = (int16_t)lookup(p->exp_table, position);
        sum += out[i];
    }
    /* Normalise the sum to [1, 2) in Q2.16, then look up 1 / (1 + (sum - 1)). */
    int32_t bits = 0; /* position of the sum's leading bit */
    while ((sum >> bits) > 1) {
        ++bits;
    }
    const int32_t normalised = (int32_t)((((int64_t)sum << (30 - bits)) + (1 << 13)) >> 14);
    const int32_t position = tk_clamp(normalised - 65536 - 32768, INT16_MIN, INT16_MAX);
    const int32_t reciprocal = lookup(p->reciprocal_table, position);
    const int64_t half = INT64_C(1) << (bits - 1);
    for (int32_t i = 0; i < p->depth; ++i) {
        const int32_t v = (int32_t)(((int64_t)out[i] * reciprocal + half) >> bits);
        out[i] = (int16_t)tk_clamp(v, 0, INT16_MAX);
    }
}

void tk_softmax_s16(const tk_softmax_s16_params *p, const int16_t *in, int16_t *out) {
    for (int32_t row = 0; row < p->rows; ++row) {
        softmax_row(p, in + row * p->depth, out + row * p->depth);
    }
}
