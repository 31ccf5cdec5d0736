/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_attention_broadcast.h"

#include "tk_attention_pool_s8_s16.h"

/* The same pool of a frame that is laid out. */
static tk_attention_pool_s8_params plain(const tk_attention_broadcast_params *p) {
    const tk_attention_pool_s8_params params = {
        .frames = p->frames,
        .values = p->outer * p->inner,
        .lin_zero_point = p->lin_zero_point,
        .out_zero_point = p->out_zero_point,
        .multiplier = p->multiplier,
        .shift = p->shift,
        .table = p->table,
    };
    return params;
}

void tk_attention_broadcast_init(const tk_attention_broadcast_params *p, void *sums) {
    const tk_attention_pool_s8_params params = plain(p);
    tk_attention_pool_s8_init(&params, sums);
}

void tk_attention_broadcast_accumulate_row(const tk_attention_broadcast_params *p, const void *lin,
                                           const void *logits, void *sums) {
    tk_attention_pool_sum *sum = sums;
    for (int32_t o = 0; o < p->outer; ++o) {
        const int8_t *x = (const int8_t *)lin + o * p->lin_outer;
        const int8_t *s = (const int8_t *)logits + o * p->logit_outer;
        for (int32_t i = 0; i < p->inner; ++i, x += p->lin_inner, s += p->logit_inner, ++sum) {
            const int32_t weight = (int32_t)p->table[*s + 128];
            sum->numerator += (int64_t)(*x - p->lin_zero_point) * weight;
            sum->denominator += weight;
        }
    }
}

void tk_attention_broadcast_merge(const tk_attention_broadcast_params *p, void *sums,
                                  const void *block) {
    const tk_attention_pool_s8_params params = plain(p);
    tk_attention_pool_s8_merge(&params, sums, block);
}

void tk_attention_broadcast_finish(const tk_attention_broadcast_params *p, const void *sums,
                                   void *out) {
    const tk_attention_pool_s8_params params = plain(p);
    if (p->element_bytes == 1) {
        tk_attention_pool_s8_finish(&params, sums, out);
    } else {
        tk_attention_pool_s8_s16_finish(&params, sums, out);
    }
}

void tk_attention_broadcast(const tk_attention_broadcast_params *p, const void *lin,
                            const void *logits, void *out, void *scratch) {
    const int8_t *x = lin, *s = logits;
    const int32_t lin_values = (p->lin_outer ? p->outer : 1) * (p->lin_inner ? p->inner : 1);
    const int32_t logit_values = (p->logit_outer ? p->outer : 1) * (p->logit_inner ? p->inner : 1);
    tk_attention_broadcast_init(p, scratch);
    for (int32_t t = 0; t < p->frames; ++t, x += lin_values, s += logit_values) {
        tk_attention_broadcast_accumulate_row(p, x, s, scratch);
    }
    tk_attention_broadcast_finish(p, scratch, out);
}
