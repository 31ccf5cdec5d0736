/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_weighted_variance.h"

void tk_weighted_variance_init(const tk_weighted_variance_params *p, void *sums) {
    tk_weighted_variance_sum *sum = sums;
    for (int32_t i = 0; i < p->outer * p->inner; ++i) {
        sum[i].weights = 0;
        sum[i].sum = 0;
        sum[i].squares = 0;
    }
}

void tk_weighted_variance_accumulate_row(const tk_weighted_variance_params *p, const void *lin,
                                         const void *logits, void *sums) {
    tk_weighted_variance_sum *sum = sums;
    for (int32_t o = 0; o < p->outer; ++o) {
        const int8_t *x = (const int8_t *)lin + o * p->lin_outer;
        const int8_t *s = (const int8_t *)logits + o * p->logit_outer;
        for (int32_t i = 0; i < p->inner; ++i, x += p->lin_inner, s += p->logit_inner, ++sum) {
            const int32_t kept = (int32_t)(p->table[*s + 128] >> TK_WEIGHTED_VARIANCE_DROPPED_BITS);
            const int32_t weight = kept > 1 ? kept : 1, centred = *x - p->in_zero_point;
            const int32_t weighted = weight * centred;
            sum->weights += weight;
            sum->sum += weighted;
            sum->squares += (int64_t)weighted * centred;
        }
    }
}

void tk_weighted_variance_merge(const tk_weighted_variance_params *p, void *sums,
                                const void *block) {
    tk_weighted_variance_sum *sum = sums;
    const tk_weighted_variance_sum *other = block;
    for (int32_t i = 0; i < p->outer * p->inner; ++i) {
        sum[i].weights += other[i].weights;
        sum[i].sum += other[i].sum;
        sum[i].squares += other[i].squares;
    }
}

void tk_weighted_variance_finish(const tk_weighted_variance_params *p, const void *sums,
                                 void *out) {
    const tk_weighted_variance_sum *sum = sums;
    for (int32_t i = 0; i < p->outer * p->inner; ++i, ++sum) {
        const int64_t v = tk_spread_variance(sum->weights, sum->sum, sum->squares);
        const int32_t made = tk_spread_made(v + p->added, p->least, p->root);
        const int32_t q = tk_requantize(made, p->multiplier, p->shift) + p->out_zero_point;
        tk_spread_store(out, i, p->element_bytes, q);
    }
}

void tk_weighted_variance(const tk_weighted_variance_params *p, const void *lin, const void *logits,
                          void *out, void *scratch) {
    const int8_t *x = lin, *s = logits;
    const int32_t lin_values = (p->lin_outer ? p->outer : 1) * (p->lin_inner ? p->inner : 1);
    const int32_t logit_values = (p->logit_outer ? p->outer : 1) * (p->logit_inner ? p->inner : 1);
    tk_weighted_variance_init(p, scratch);
    for (int32_t t = 0; t < p->frames; ++t, x += lin_values, s += logit_values) {
        tk_weighted_variance_accumulate_row(p, x, s, scratch);
    }
    tk_weighted_variance_finish(p, scratch, out);
}
