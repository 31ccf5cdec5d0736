/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_max_pool_global_s8.h"

void tk_max_pool_global_s8_init(const tk_max_pool_global_s8_params *p, int8_t *largest) {
    for (int32_t c = 0; c < p->channels; ++c) {
        largest[c] = (int8_t)p->out_min;
    }
}

void tk_max_pool_global_s8_accumulate_row(const tk_max_pool_global_s8_params *p, const int8_t *in,
                                          int8_t *largest) {
    for (int32_t i = 0; i < p->positions; ++i, in += p->channels) {
        for (int32_t c = 0; c < p->channels; ++c) {
            largest[c] = in[c] > largest[c] ? in[c] : largest[c];
        }
    }
}

void tk_max_pool_global_s8_merge(const tk_max_pool_global_s8_params *p, int8_t *largest,
                                 const int8_t *block) {
    for (int32_t c = 0; c < p->channels; ++c) {
        largest[c] = block[c] > largest[c] ? block[c] : largest[c];
    }
}

void tk_max_pool_global_s8_finish(const tk_max_pool_global_s8_params *p, const int8_t *largest,
                                  int8_t *out) {
    for (int32_t c = 0; c < p->channels; ++c) {
        out[c] = largest[c] > p->out_max ? (int8_t)p->out_max : largest[c];
    }
}

void tk_max_pool_global_s8(const tk_max_pool_global_s8_params *p, const int8_t *in, int8_t *out) {
    tk_max_pool_global_s8_init(p, out);
    tk_max_pool_global_s8_accumulate_row(p, in, out);
    tk_max_pool_global_s8_finish(p, out, out);
}
