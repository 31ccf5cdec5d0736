/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_normalization.h"

/* The integer square root, floored, of a value below 2^62. */
static uint32_t root_of(uint64_t value) {
    uint64_t root = 0, rest = value;
    for (uint64_t bit = UINT64_C(1) << 60; bit; bit >>= 2) {
        if (rest >= root + bit) {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return (uint32_t)root;
}

static int32_t value_at(const tk_normalization_params *p, const void *in, int32_t i) {
    const int32_t q = p->element_bytes == 1 ? ((const int8_t *)in)[i] : ((const int16_t *)in)[i];
    return q - p->in_zero_point;
}

static void row(const tk_normalization_params *p, const void *in, void *out, int32_t first) {
    const int64_t added = ((int64_t)p->added_high << 31) + p->added_low;
    const int32_t limit = p->out_bytes == 1 ? 127 : 32767;
    int64_t total = 0, squares = 0;
    for (int32_t i = 0; i < p->count; ++i) {
        const int32_t x = value_at(p, in, first + i);
        total += x;
        squares += (int64_t)x * x;
    }
    if (!p->centred) {
        total = 0;
    }
    squares = p->count * squares - total * total + added;
    uint64_t raised = squares > 0 ? (uint64_t)squares : 1;
    int32_t down = 61 - 20; /* to 20 fractional bits */
    for (; raised < UINT64_C(1) << 60; raised <<= 2) {
        --down;
    }
    const int64_t inverse = (INT64_C(1) << 61) / root_of(raised);
    for (int32_t i = 0; i < p->count; ++i) {
        const int64_t centred = (int64_t)p->count * value_at(p, in, first + i) - total;
        const int64_t normal = (centred * inverse + (INT64_C(1) << (down - 1))) >> down;
        const int64_t gained = (normal * p->gains[i] + (INT64_C(1) << (p->shift - 1))) >> p->shift;
        const int64_t steps = ((gained + p->offsets[i] + 128) >> 8) + p->out_zero_point;
        const int32_t q = (int32_t)(steps > limit        ? limit
                                    : steps < -limit - 1 ? -limit - 1
                                                         : steps);
        if (p->out_bytes == 1) {
            ((int8_t *)out)[first + i] = (int8_t)q;
        } else {
            ((int16_t *)out)[first + i] = (int16_t)q;
        }
    }
}

void tk_normalization(const tk_normalization_params *p, const void *in, void *out) {
    for (int32_t r = 0; r < p->rows; ++r) {
        row(p, in, out, r * p->count);
    }
}
