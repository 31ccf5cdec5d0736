/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_lookup_s8.h"

#include "tk_dsp.h"

void tk_lookup_s8(const tk_lookup_s8_params *p, const int8_t *in, int8_t *out) {
    const int8_t *const table = p->table, *const zero = table + 128;
    int32_t i = 0;
    for (; i + 4 <= p->count; i += 4) {
#if TK_UNALIGNED_WORDS
        /* The sign bit off: indices from 0. */
        const uint32_t four = tk_load32(in + i) ^ 0x80808080u;
        const uint32_t a = (uint8_t)table[four & 0xFFu], b = (uint8_t)table[four >> 8 & 0xFFu];
        const uint32_t c = (uint8_t)table[four >> 16 & 0xFFu], d = (uint8_t)table[four >> 24];
        tk_store32(out + i, a | b << 8 | c << 16 | d << 24);
#else
        const int8_t a = zero[in[i]], b = zero[in[i + 1]];
        const int8_t c = zero[in[i + 2]], d = zero[in[i + 3]];
        out[i] = a, out[i + 1] = b, out[i + 2] = c, out[i + 3] = d;
#endif
    }
    for (; i < p->count; ++i) {
        out[i] = zero[in[i]];
    }
}
