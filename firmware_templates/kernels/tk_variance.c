/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_variance.h"

#define FRACTION_BITS 16
#define VARIANCE_BITS 12

void tk_variance_init(const tk_variance_params *p, void *state) {
    int64_t *count = state;
    tk_variance_sum *sums = (tk_variance_sum *)(count + 1);
    *count = 0;
    for (int32_t i = 0; i < p->inner; ++i) {
        sums[i].sum = 0;
        sums[i].squares = 0;
    }
}

void tk_variance_accumulate_row(const tk_variance_params *p, const void *in, void *state) {
    int64_t *count = state;
    tk_variance_sum *sums = (tk_variance_sum *)(count + 1);
    const int8_t *x = in;
    for (int32_t k = 0; k < p->count; ++k) {
        for (int32_t i = 0; i < p->inner; ++i) {
            const int32_t centred = *x++ - p->in_zero_point;
            sums[i].sum += centred;
            sums[i].squares += centred * centred;
        }
    }
    *count += p->count;
}

void tk_variance_merge(const tk_variance_params *p, void *state, const void *block) {
    int64_t *count = state;
    const int64_t *more = block;
    tk_variance_sum *sums = (tk_variance_sum *)(count + 1);
    const tk_variance_sum *others = (const tk_variance_sum *)(more + 1);
    *count += *more;
    for (int32_t i = 0; i < p->inner; ++i) {
        sums[i].sum += others[i].sum;
        sums[i].squares += others[i].squares;
    }
}

/* Floor of a / b, b positive. */
static int64_t floor_divide(int64_t a, int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

/* Integer square root of a value below 2^52, floored, bit by bit. */
static int32_t root_of(int64_t value) {
    int64_t root = 0;
    for (int64_t bit = INT64_C(1) << 50; bit > 0; bit >>= 2) {
        if (value >= root + bit) {
            value -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return (int32_t)root;
}

static int32_t variance(const tk_variance_params *p, const tk_variance_sum *sum, int64_t n) {
    /* About the nearest whole number to the mean, so that nearly equal squares do not meet. */
    const int64_t middle = floor_divide(2 * sum->sum + n, 2 * n);
    const int64_t squares = sum->squares - 2 * middle * sum->sum + middle * middle * n;
    const int64_t mean = floor_divide((sum->sum - middle * n) * (1 << FRACTION_BITS), n);
    int64_t v = squares * (1 << FRACTION_BITS) / n - mean * mean / (1 << FRACTION_BITS);
    v = (v < 0 ? 0 : v) * n / (n - p->correction) + p->added;
    v = v < p->least ? p->least : v;
    return p->root ? root_of(v * (1 << FRACTION_BITS))
                   : (int32_t)(v >> (FRACTION_BITS - VARIANCE_BITS));
}

void tk_variance_finish(const tk_variance_params *p, const void *state, void *out) {
    const int64_t *count = state;
    const tk_variance_sum *sums = (const tk_variance_sum *)(count + 1);
    for (int32_t i = 0; i < p->inner; ++i) {
        const int32_t v = variance(p, &sums[i], *count);
        const int32_t q = tk_requantize(v, p->multiplier, p->shift) + p->out_zero_point;
        if (p->element_bytes == 1) {
            ((int8_t *)out)[i] = (int8_t)tk_clamp(q, INT8_MIN, INT8_MAX);
        } else {
            ((int16_t *)out)[i] = (int16_t)tk_clamp(q, INT16_MIN, INT16_MAX);
        }
    }
}

void tk_variance(const tk_variance_params *p, const void *in, void *out, void *scratch) {
    const int8_t *x = in;
    uint8_t *to = out;
    for (int32_t o = 0; o < p->outer; ++o) {
        tk_variance_init(p, scratch);
        tk_variance_accumulate_row(p, x, scratch);
        tk_variance_finish(p, scratch, to);
        x += p->count * p->inner;
        to += p->inner * p->element_bytes;
    }
}
