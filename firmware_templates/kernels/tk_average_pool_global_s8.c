#include "tk_average_pool_global_s8.h"

void tk_average_pool_global_s8_add(const tk_average_pool_global_s8_params *p, const int8_t *in,
                                   int32_t positions, int32_t *sums) {
    for (int32_t i = 0; i < positions; ++i, in += p->channels) {
        for (int32_t c = 0; c < p->channels; ++c) {
            sums[c] += in[c];
        }
    }
}

void tk_average_pool_global_s8_finish(const tk_average_pool_global_s8_params *p,
                                      const int32_t *sums, int32_t positions, int8_t *out) {
    for (int32_t c = 0; c < p->channels; ++c) {
        out[c] = (int8_t)tk_clamp(tk_rounded_mean(sums[c], positions), p->out_min, p->out_max);
    }
}

void tk_average_pool_global_s8(const tk_average_pool_global_s8_params *p, const int8_t *in,
                               int8_t *out, void *scratch) {
    int32_t *sums = scratch;
    for (int32_t c = 0; c < p->channels; ++c) {
        sums[c] = 0;
    }
    tk_average_pool_global_s8_add(p, in, p->positions, sums);
    tk_average_pool_global_s8_finish(p, sums, p->positions, out);
}
