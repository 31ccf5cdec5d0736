/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_lookup_s8.h"

void tk_lookup_s8(const tk_lookup_s8_params *p, const int8_t *in, int8_t *out) {
    const int8_t *zero = p->table + 128;
    for (int32_t i = 0; i < p->count; ++i) {
        out[i] = zero[in[i]];
    }
}
