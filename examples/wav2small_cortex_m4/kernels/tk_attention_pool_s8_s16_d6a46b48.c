/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_attention_pool_s8_s16_d6a46b48.h"

void tk_d6a46b48_attention_pool_s8_s16_finish(const tk_d6a46b48_attention_pool_s8_s16_params *p,
                                     const tk_8e2d0589_attention_pool_sum *sums, int16_t *out) {
    for (int32_t i = 0; i < p->values; ++i) {
        out[i] = (int16_t)tk_368921da_clamp(tk_8e2d0589_attention_pool_s8_value(p, &sums[i]), INT16_MIN, INT16_MAX);
    }
}

void tk_d6a46b48_attention_pool_s8_s16(const tk_d6a46b48_attention_pool_s8_s16_params *p, const int8_t *lin,
                              const int8_t *logits, int16_t *out, void *scratch) {
    tk_8e2d0589_attention_pool_sum *sums = scratch;
    tk_8e2d0589_attention_pool_s8_init(p, sums);
    for (int32_t t = 0; t < p->frames; ++t) {
        tk_8e2d0589_attention_pool_s8_accumulate_row(p, lin + t * p->values, logits + t * p->values, sums);
    }
    tk_d6a46b48_attention_pool_s8_s16_finish(p, sums, out);
}
