#include "tk_mean_s8.h"

void tk_mean_s8_add(const tk_mean_s8_params *p, const int8_t *in, int32_t count, int32_t *sums) {
    for (int32_t i = 0; i < count; ++i, in += p->inner) {
        for (int32_t c = 0; c < p->inner; ++c) {
            sums[c] += in[c];
        }
    }
}

void tk_mean_s8_finish(const tk_mean_s8_params *p, const int32_t *sums, int32_t count,
                       int32_t multiplier, int32_t shift, int8_t *out) {
    const int32_t offset = p->in_zero_point * count;
    for (int32_t c = 0; c < p->inner; ++c) {
        const int32_t v = tk_requantize(sums[c] - offset, multiplier, shift);
        out[c] = (int8_t)tk_clamp(v + p->out_zero_point, INT8_MIN, INT8_MAX);
    }
}

void tk_mean_s8(const tk_mean_s8_params *p, const int8_t *in, int8_t *out, void *scratch) {
    int32_t *sums = scratch;
    for (int32_t o = 0; o < p->outer; ++o, in += p->averaged * p->inner, out += p->inner) {
        for (int32_t c = 0; c < p->inner; ++c) {
            sums[c] = 0;
        }
        tk_mean_s8_add(p, in, p->averaged, sums);
        tk_mean_s8_finish(p, sums, p->averaged, p->multiplier, p->shift, out);
    }
}
