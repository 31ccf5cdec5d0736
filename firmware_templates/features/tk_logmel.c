/* SPDX-License-Identifier: Apache-2.0 */
/* Log-mel features in float32: a row is the quantised logarithm of the mel energies. */
#include "features.h"
#include "tk_edges.h"

void tk_front_row(tk_front *front, const int16_t *frame, tk_value *row) {
    tk_level_next(&front->level, frame);
    float energies[FEATURES_BANDS];
    const float gain = front->level.gain;
    tk_mel_energies(frame, front->level.mean, front->work, energies);
    for (uint32_t m = 0; m < FEATURES_BANDS; m++) {
        union {
            float value;
            uint32_t bits;
        } number;
        number.value = TK_LIMITED(front, energies[m] * gain);
        row[m] = tk_edges_feature(number.bits);
    }
}
