/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_mean_s16.h"

void tk_mean_s16_init(const tk_mean_s16_params *p, int32_t *sums) {
    for (int32_t c = 0; c <= p->inner; ++c) {
        sums[c] = 0;
    }
}

void tk_mean_s16_accumulate_row(const tk_mean_s16_params *p, const int16_t *in, int32_t *sums) {
    for (int32_t i = 0; i < p->averaged; ++i, in += p->inner) {
        for (int32_t c = 0; c < p->inner; ++c) {
            sums[c] += in[c];
        }
    }
    sums[p->inner] += p->averaged;
}

void tk_mean_s16_merge(const tk_mean_s16_params *p, int32_t *sums, const int32_t *block) {
    for (int32_t c = 0; c <= p->inner; ++c) {
        sums[c] += block[c];
    }
}

void tk_mean_s16_finish(const tk_mean_s16_params *p, const int32_t *sums, int16_t *out) {
    const int32_t count = sums[p->inner];
    /* As many bits of head room as the count takes away, and as 64 bits and the shift allow. */
    int32_t room = 0;
    while (room < 31 + p->shift && (count >> room) > 1) {
        ++room;
    }
    const int32_t multiplier = (int32_t)(((int64_t)p->multiplier << room) / count);
    for (int32_t c = 0; c < p->inner; ++c) {
        const int32_t v = tk_requantize(sums[c], multiplier, p->shift - room);
        out[c] = (int16_t)tk_clamp(v, INT16_MIN, INT16_MAX);
    }
}

void tk_mean_s16(const tk_mean_s16_params *p, const int16_t *in, int16_t *out, void *scratch) {
    for (int32_t o = 0; o < p->outer; ++o, in += p->averaged * p->inner, out += p->inner) {
        tk_mean_s16_init(p, scratch);
        tk_mean_s16_accumulate_row(p, in, scratch);
        tk_mean_s16_finish(p, scratch, out);
    }
}
