#include "tk_max_pool_global_s8.h"

void tk_max_pool_global_s8(const tk_max_pool_global_s8_params *p, const int8_t *in, int8_t *out) {
    for (int32_t c = 0; c < p->channels; ++c) {
        out[c] = (int8_t)p->out_min;
    }
    for (int32_t i = 0; i < p->positions; ++i, in += p->channels) {
        for (int32_t c = 0; c < p->channels; ++c) {
            out[c] = in[c] > out[c] ? in[c] : out[c];
        }
    }
    for (int32_t c = 0; c < p->channels; ++c) {
        out[c] = out[c] > p->out_max ? (int8_t)p->out_max : out[c];
    }
}
