/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_reduce_sum_s8.h"

#include "tk_dsp_mac.h"

void tk_reduce_sum_s8_init(const tk_reduce_sum_s8_params *p, int32_t *sums) {
    for (int32_t c = 0; c <= p->inner; ++c) {
        sums[c] = 0;
    }
}

void tk_reduce_sum_s8_accumulate_row(const tk_reduce_sum_s8_params *p, const int8_t *in,
                                     int32_t *sums) {
    tk_dsp_sum(in, p->summed, p->inner, sums);
    sums[p->inner] += p->summed;
}

void tk_reduce_sum_s8_merge(const tk_reduce_sum_s8_params *p, int32_t *sums, const int32_t *block) {
    for (int32_t c = 0; c <= p->inner; ++c) {
        sums[c] += block[c];
    }
}

void tk_reduce_sum_s8_finish(const tk_reduce_sum_s8_params *p, const int32_t *sums, int8_t *out) {
    const int32_t offset = p->in_zero_point * sums[p->inner];
    for (int32_t c = 0; c < p->inner; ++c) {
        const int32_t v = tk_requantize(sums[c] - offset, p->multiplier, p->shift);
        out[c] = (int8_t)tk_clamp(v + p->out_zero_point, INT8_MIN, INT8_MAX);
    }
}

void tk_reduce_sum_s8(const tk_reduce_sum_s8_params *p, const int8_t *in, int8_t *out,
                      void *scratch) {
    for (int32_t o = 0; o < p->outer; ++o, in += p->summed * p->inner, out += p->inner) {
        tk_reduce_sum_s8_init(p, scratch);
        tk_reduce_sum_s8_accumulate_row(p, in, scratch);
        tk_reduce_sum_s8_finish(p, scratch, out);
    }
}
