/* SPDX-License-Identifier: Apache-2.0 */
#include "features.h"
#include "tk_log.h"
#include "tk_quantise.h"

void tk_front_row(tk_front *front, const int16_t *frame, tk_value *row) {
    tk_level_next(&front->level, frame);
    float energies[FEATURES_BANDS];
    const float gain = front->level.gain;
    tk_mel_energies(frame, front->level.mean, front->work, energies);
    for (uint32_t m = 0; m < FEATURES_BANDS; m++) {
        const float energy = TK_LIMITED(front, energies[m] * gain);
#ifdef FEATURES_FLOOR_ADDED
        const float logarithm = tk_ln(energy + FEATURES_FLOOR);
#else
        const float logarithm = tk_ln(energy > FEATURES_FLOOR ? energy : FEATURES_FLOOR);
#endif
        row[m] = tk_rounded(logarithm * tk_factors[m] + tk_offsets[m]);
    }
}
