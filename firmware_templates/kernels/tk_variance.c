/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_variance.h"

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

void tk_variance_finish(const tk_variance_params *p, const void *state, void *out) {
    const int64_t *count = state;
    const tk_variance_sum *sums = (const tk_variance_sum *)(count + 1);
    const int64_t n = *count;
    for (int32_t i = 0; i < p->inner; ++i) {
        const int64_t v =
            tk_spread_variance(n, sums[i].sum, sums[i].squares) * n / (n - p->correction);
        const int32_t made = tk_spread_made(v + p->added, p->least, p->root);
        const int32_t q = tk_requantize(made, p->multiplier, p->shift) + p->out_zero_point;
        tk_spread_store(out, i, p->element_bytes, q);
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
