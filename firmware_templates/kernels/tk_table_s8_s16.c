/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_table_s8_s16.h"

#include "tk_dsp.h"

void tk_table_s8_s16(const tk_table_s8_s16_params *p, const int8_t *in, int16_t *out) {
    const int16_t *const table = p->table, *const zero = table + 128;
    int32_t i = 0;
#if TK_UNALIGNED_WORDS
    for (; i + 4 <= p->count; i += 4) {
        /* The sign bit off: indices from 0. */
        const uint32_t four = tk_load32(in + i) ^ 0x80808080u;
        const int32_t a = table[four & 0xFFu], b = table[four >> 8 & 0xFFu];
        const int32_t c = table[four >> 16 & 0xFFu], d = table[four >> 24];
        tk_store32(out + i, tk_pack16(a, b));
        tk_store32(out + i + 2, tk_pack16(c, d));
    }
#endif
    for (; i < p->count; ++i) {
        out[i] = zero[in[i]];
    }
}
