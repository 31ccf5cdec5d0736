/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_max_pool_tall_s8.h"

void tk_max_pool_tall_s8_row(const tk_max_pool_tall_s8_params *p, const int8_t *const *rows,
                             int8_t *out) {
    for (int32_t c = 0; c < p->channels; ++c) {
        int32_t largest = INT8_MIN;
        for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
            if (rows[ky] != NULL && rows[ky][c] > largest) {
                largest = rows[ky][c];
            }
        }
        out[c] = (int8_t)tk_clamp(largest, p->out_min, p->out_max);
    }
}
