/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_extremum.h"

static void line(const tk_extremum_params *p, const void *a, int32_t at_a, const void *b,
                 int32_t at_b, void *out, int32_t at) {
    const int32_t sa = p->a_strides[3], sb = p->b_strides[3];
    for (int32_t l = 0; l < p->dims[3]; ++l, at_a += sa, at_b += sb, ++at) {
        if (p->element_bytes == 1) {
            const int8_t x = ((const int8_t *)a)[at_a], y = ((const int8_t *)b)[at_b];
            ((int8_t *)out)[at] = (x > y) == (p->largest != 0) ? x : y;
        } else {
            const int16_t x = ((const int16_t *)a)[at_a], y = ((const int16_t *)b)[at_b];
            ((int16_t *)out)[at] = (x > y) == (p->largest != 0) ? x : y;
        }
    }
}

void tk_extremum(const tk_extremum_params *p, const void *a, const void *b, void *out) {
    const int32_t *n = p->dims, *sa = p->a_strides, *sb = p->b_strides;
    int32_t at = 0;
    for (int32_t i = 0; i < n[0]; ++i) {
        for (int32_t j = 0; j < n[1]; ++j) {
            for (int32_t k = 0; k < n[2]; ++k, at += n[3]) {
                line(p, a, i * sa[0] + j * sa[1] + k * sa[2], b, i * sb[0] + j * sb[1] + k * sb[2],
                     out, at);
            }
        }
    }
}
