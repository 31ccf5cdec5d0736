/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_average_pool_global_s8.h"

#include "tk_dsp_mac.h"

void tk_average_pool_global_s8_init(const tk_average_pool_global_s8_params *p, int32_t *sums) {
    for (int32_t c = 0; c <= p->channels; ++c) {
        sums[c] = 0;
    }
}

void tk_average_pool_global_s8_accumulate_row(const tk_average_pool_global_s8_params *p,
                                              const int8_t *in, int32_t *sums) {
    tk_dsp_sum(in, p->positions, p->channels, sums);
    sums[p->channels] += p->positions;
}

void tk_average_pool_global_s8_merge(const tk_average_pool_global_s8_params *p, int32_t *sums,
                                     const int32_t *block) {
    for (int32_t c = 0; c <= p->channels; ++c) {
        sums[c] += block[c];
    }
}

void tk_average_pool_global_s8_finish(const tk_average_pool_global_s8_params *p,
                                      const int32_t *sums, int8_t *out) {
    const int32_t positions = sums[p->channels];
    for (int32_t c = 0; c < p->channels; ++c) {
        out[c] = (int8_t)tk_clamp(tk_rounded_mean(sums[c], positions), p->out_min, p->out_max);
    }
}

void tk_average_pool_global_s8(const tk_average_pool_global_s8_params *p, const int8_t *in,
                               int8_t *out, void *scratch) {
    tk_average_pool_global_s8_init(p, scratch);
    tk_average_pool_global_s8_accumulate_row(p, in, scratch);
    tk_average_pool_global_s8_finish(p, scratch, out);
}
