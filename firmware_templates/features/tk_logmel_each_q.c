/* SPDX-License-Identifier: Apache-2.0 */
#include "features.h"
#include "tk_quantise_q.h"

void tk_front_row(tk_front *front, const int16_t *frame, tk_value *row) {
    tk_number energies[FEATURES_BANDS];
    tk_level_next(&front->level, frame);
    tk_mel_energies(frame, &front->level, front->work, energies);
    for (uint32_t m = 0; m < FEATURES_BANDS; m++) {
        const int32_t logarithm = tk_log2_floored(TK_LIMITED(front, energies[m]));
        const int64_t steps = tk_multiply_s32(logarithm, tk_factors[m]) >> FEATURES_FACTOR_SHIFT;
        row[m] = tk_rounded_q(steps + tk_offsets[m], 16);
    }
}
