/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_max_pool_global_s16.h"

void tk_max_pool_global_s16_init(const tk_max_pool_global_s16_params *p, int16_t *largest) {
    for (int32_t c = 0; c < p->channels; ++c) {
        largest[c] = (int16_t)p->out_min;
    }
}

void tk_max_pool_global_s16_accumulate_row(const tk_max_pool_global_s16_params *p,
                                           const int16_t *in, int16_t *largest) {
    for (int32_t i = 0; i < p->positions; ++i, in += p->channels) {
        for (int32_t c = 0; c < p->channels; ++c) {
            largest[c] = in[c] > largest[c] ? in[c] : largest[c];
        }
    }
}

void tk_max_pool_global_s16_merge(const tk_max_pool_global_s16_params *p, int16_t *largest,
                                  const int16_t *block) {
    for (int32_t c = 0; c < p->channels; ++c) {
        largest[c] = block[c] > largest[c] ? block[c] : largest[c];
    }
}

void tk_max_pool_global_s16_finish(const tk_max_pool_global_s16_params *p, const int16_t *largest,
                                   int16_t *out) {
    for (int32_t c = 0; c < p->channels; ++c) {
        out[c] = largest[c] > p->out_max ? (int16_t)p->out_max : largest[c];
    }
}

void tk_max_pool_global_s16(const tk_max_pool_global_s16_params *p, const int16_t *in,
                            int16_t *out) {
    tk_max_pool_global_s16_init(p, out);
    tk_max_pool_global_s16_accumulate_row(p, in, out);
    tk_max_pool_global_s16_finish(p, out, out);
}
