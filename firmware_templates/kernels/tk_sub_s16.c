/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_sub_s16.h"

void tk_sub_s16(const tk_sub_s16_params *p, const int16_t *a, const int16_t *b, int16_t *out) {
    tk_sum_s16(p, a, -1, b, out);
}
