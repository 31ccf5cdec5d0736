/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_table_s16_s16.h"

void tk_table_s16_s16(const tk_table_s16_s16_params *p, const int16_t *in, int16_t *out) {
    const int16_t *zero = p->table + 256;
    for (int32_t i = 0; i < p->count; ++i) {
        const int16_t *entry = zero + (in[i] >> 7);
        const int32_t slope = entry[1] - entry[0];
        out[i] = (int16_t)(entry[0] + ((slope * (in[i] & 127) + 64) >> 7));
    }
}
