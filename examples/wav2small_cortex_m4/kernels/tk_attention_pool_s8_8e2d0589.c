/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_attention_pool_s8_8e2d0589.h"

void tk_8e2d0589_attention_pool_s8_init(const tk_8e2d0589_attention_pool_s8_params *p, tk_8e2d0589_attention_pool_sum *sums) {
    for (int32_t i = 0; i < p->values; ++i) {
        sums[i].numerator = 0;
        sums[i].denominator = 0;
    }
}

void tk_8e2d0589_attention_pool_s8_accumulate_row(const tk_8e2d0589_attention_pool_s8_params *p, const int8_t *lin,
                                         const int8_t *logits, tk_8e2d0589_attention_pool_sum *sums) {
    for (int32_t i = 0; i < p->values; ++i) {
        const int32_t weight = (int32_t)p->table[logits[i] + 128];
        sums[i].numerator += (int64_t)(lin[i] - p->lin_zero_point) * weight;
        sums[i].denominator += weight;
    }
}

void tk_8e2d0589_attention_pool_s8_merge(const tk_8e2d0589_attention_pool_s8_params *p, tk_8e2d0589_attention_pool_sum *sums,
                                const tk_8e2d0589_attention_pool_sum *block) {
    for (int32_t i = 0; i < p->values; ++i) {
        sums[i].numerator += block[i].numerator;
        sums[i].denominator += block[i].denominator;
    }
}

/* floor(2^16 * numerator / denominator): integer part, then twice 8 fractional bits, so that the
 * remainder (below 2^55) never leaves 64 bits. */
static int32_t quotient(const tk_8e2d0589_attention_pool_sum *sum) {
    const int64_t d = sum->denominator;
    int64_t whole = sum->numerator / d;
    int64_t rest = sum->numerator % d;
    if (rest < 0) { /* C truncates towards zero */
        rest += d;
        --whole;
    }
    int32_t q = (int32_t)whole;
    for (int32_t step = 0; step < 2; ++step) {
        rest *= 256;
        q = q * 256 + (int32_t)(rest / d);
        rest %= d;
    }
    return q;
}

int32_t tk_8e2d0589_attention_pool_s8_value(const tk_8e2d0589_attention_pool_s8_params *p,
                                   const tk_8e2d0589_attention_pool_sum *sum) {
    return tk_368921da_requantize(quotient(sum), p->multiplier, p->shift) + p->out_zero_point;
}

void tk_8e2d0589_attention_pool_s8_finish(const tk_8e2d0589_attention_pool_s8_params *p,
                                 const tk_8e2d0589_attention_pool_sum *sums, int8_t *out) {
    for (int32_t i = 0; i < p->values; ++i) {
        out[i] = (int8_t)tk_368921da_clamp(tk_8e2d0589_attention_pool_s8_value(p, &sums[i]), INT8_MIN, INT8_MAX);
    }
}

void tk_8e2d0589_attention_pool_s8(const tk_8e2d0589_attention_pool_s8_params *p, const int8_t *lin,
                          const int8_t *logits, int8_t *out, void *scratch) {
    tk_8e2d0589_attention_pool_sum *sums = scratch;
    tk_8e2d0589_attention_pool_s8_init(p, sums);
    for (int32_t t = 0; t < p->frames; ++t) {
        tk_8e2d0589_attention_pool_s8_accumulate_row(p, lin + t * p->values, logits + t * p->values, sums);
    }
    tk_8e2d0589_attention_pool_s8_finish(p, sums, out);
}
