/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_concatenation_713a21d0.h"

#include "tk_compiler_5530835e.h"

void tk_713a21d0_concatenation(const tk_713a21d0_concatenation_params *p, const void *in_0, const void *in_1,
                      const void *in_2, const void *in_3, void *out) {
    const uint8_t *in[4] = {in_0, in_1, in_2, in_3};
    uint8_t *to = out;
    for (int32_t block = 0; block < p->blocks; ++block) {
        for (int32_t i = 0; i < 4; ++i) {
            const size_t bytes = (size_t)p->block_bytes[i];
            TK_COPY(to, in[i], bytes);
            in[i] += bytes;
            to += bytes;
        }
    }
}
