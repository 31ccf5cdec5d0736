/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_reduce_sum_s16.h"

void tk_reduce_sum_s16_init(const tk_reduce_sum_s16_params *p, int32_t *sums) {
    for (int32_t c = 0; c < p->inner; ++c) {
        sums[c] = 0;
    }
}

void tk_reduce_sum_s16_accumulate_row(const tk_reduce_sum_s16_params *p, const int16_t *in,
                                      int32_t *sums) {
    for (int32_t i = 0; i < p->summed; ++i, in += p->inner) {
        for (int32_t c = 0; c < p->inner; ++c) {
            sums[c] += in[c];
        }
    }
}

void tk_reduce_sum_s16_merge(const tk_reduce_sum_s16_params *p, int32_t *sums,
                             const int32_t *block) {
    for (int32_t c = 0; c < p->inner; ++c) {
        sums[c] += block[c];
    }
}

void tk_reduce_sum_s16_finish(const tk_reduce_sum_s16_params *p, const int32_t *sums,
                              int16_t *out) {
    for (int32_t c = 0; c < p->inner; ++c) {
        const int32_t v = tk_requantize(sums[c], p->multiplier, p->shift);
        out[c] = (int16_t)tk_clamp(v, INT16_MIN, INT16_MAX);
    }
}

void tk_reduce_sum_s16(const tk_reduce_sum_s16_params *p, const int16_t *in, int16_t *out,
                       void *scratch) {
    for (int32_t o = 0; o < p->outer; ++o, in += p->summed * p->inner, out += p->inner) {
        tk_reduce_sum_s16_init(p, scratch);
        tk_reduce_sum_s16_accumulate_row(p, in, scratch);
        tk_reduce_sum_s16_finish(p, scratch, out);
    }
}
