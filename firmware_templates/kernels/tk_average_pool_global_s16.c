/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_average_pool_global_s16.h"

void tk_average_pool_global_s16_init(const tk_average_pool_global_s16_params *p, int32_t *sums) {
    for (int32_t c = 0; c <= p->channels; ++c) {
        sums[c] = 0;
    }
}

void tk_average_pool_global_s16_accumulate_row(const tk_average_pool_global_s16_params *p,
                                               const int16_t *in, int32_t *sums) {
    for (int32_t i = 0; i < p->positions; ++i, in += p->channels) {
        for (int32_t c = 0; c < p->channels; ++c) {
            sums[c] += in[c];
        }
    }
    sums[p->channels] += p->positions;
}

void tk_average_pool_global_s16_merge(const tk_average_pool_global_s16_params *p, int32_t *sums,
                                      const int32_t *block) {
    for (int32_t c = 0; c <= p->channels; ++c) {
        sums[c] += block[c];
    }
}

void tk_average_pool_global_s16_finish(const tk_average_pool_global_s16_params *p,
                                       const int32_t *sums, int16_t *out) {
    const int32_t positions = sums[p->channels];
    for (int32_t c = 0; c < p->channels; ++c) {
        out[c] = (int16_t)tk_clamp(tk_rounded_mean(sums[c], positions), p->out_min, p->out_max);
    }
}

void tk_average_pool_global_s16(const tk_average_pool_global_s16_params *p, const int16_t *in,
                                int16_t *out, void *scratch) {
    tk_average_pool_global_s16_init(p, scratch);
    tk_average_pool_global_s16_accumulate_row(p, in, scratch);
    tk_average_pool_global_s16_finish(p, scratch, out);
}
