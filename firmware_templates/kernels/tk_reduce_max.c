/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_reduce_max.h"

/* The larger of each pair of [inner] values, `count` times over. */
static void take_s8(const int8_t *in, int32_t count, int32_t inner, int8_t *largest) {
    for (int32_t k = 0; k < count; ++k) {
        for (int32_t i = 0; i < inner; ++i, ++in) {
            largest[i] = *in > largest[i] ? *in : largest[i];
        }
    }
}

static void take_s16(const int16_t *in, int32_t count, int32_t inner, int16_t *largest) {
    for (int32_t k = 0; k < count; ++k) {
        for (int32_t i = 0; i < inner; ++i, ++in) {
            largest[i] = *in > largest[i] ? *in : largest[i];
        }
    }
}

static void take(const tk_reduce_max_params *p, const void *in, int32_t count, void *largest) {
    if (p->element_bytes == 1) {
        take_s8(in, count, p->inner, largest);
    } else {
        take_s16(in, count, p->inner, largest);
    }
}

void tk_reduce_max_init(const tk_reduce_max_params *p, void *largest) {
    for (int32_t i = 0; i < p->inner; ++i) {
        if (p->element_bytes == 1) {
            ((int8_t *)largest)[i] = INT8_MIN;
        } else {
            ((int16_t *)largest)[i] = INT16_MIN;
        }
    }
}

void tk_reduce_max_accumulate_row(const tk_reduce_max_params *p, const void *in, void *largest) {
    take(p, in, p->count, largest);
}

void tk_reduce_max_merge(const tk_reduce_max_params *p, void *largest, const void *block) {
    take(p, block, 1, largest);
}

void tk_reduce_max_finish(const tk_reduce_max_params *p, const void *largest, void *out) {
    const uint8_t *from = largest;
    uint8_t *to = out;
    for (int32_t i = 0; i < p->inner * p->element_bytes; ++i) {
        to[i] = from[i];
    }
}

void tk_reduce_max(const tk_reduce_max_params *p, const void *in, void *out, void *scratch) {
    const uint8_t *from = in;
    uint8_t *to = out;
    for (int32_t o = 0; o < p->outer; ++o) {
        tk_reduce_max_init(p, scratch);
        tk_reduce_max_accumulate_row(p, from, scratch);
        tk_reduce_max_finish(p, scratch, to);
        from += p->count * p->inner * p->element_bytes;
        to += p->inner * p->element_bytes;
    }
}
