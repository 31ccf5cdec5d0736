/* SPDX-License-Identifier: Apache-2.0 */
#include "features.h"
#include "tk_quantise_q.h"

void tk_front_row(tk_front *front, const int16_t *frame, tk_value *row) {
    tk_number energies[FEATURES_BANDS];
    int32_t logs[FEATURES_BANDS];
    tk_level_next(&front->level, frame);
    tk_mel_energies(frame, &front->level, front->work, energies);
    for (uint32_t m = 0; m < FEATURES_BANDS; m++) {
        logs[m] = tk_log2_floored(TK_LIMITED(front, energies[m]));
    }
    const int16_t *factor = tk_cosines;
    for (uint32_t k = 0; k < FEATURES_VALUES; k++) {
        int64_t sum = 0;
        for (uint32_t m = 0; m < FEATURES_BANDS; m++) {
            sum += tk_multiply_s32(logs[m], *factor++);
        }
#ifdef FEATURES_OFFSETS
        sum += FEATURES_COSINE_SHIFT >= 0
                   ? (int64_t)tk_offsets[k] * (INT64_C(1) << FEATURES_COSINE_SHIFT)
                   : tk_offsets[k] >> -FEATURES_COSINE_SHIFT;
#endif
        row[k] = tk_rounded_q(sum, FEATURES_COSINE_SHIFT + 16);
    }
}
