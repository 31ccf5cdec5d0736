/* SPDX-License-Identifier: Apache-2.0 */
#include "features.h"
#include "tk_log.h"
#include "tk_quantise.h"

void tk_front_row(tk_front *front, const int16_t *frame, tk_value *row) {
    tk_level_next(&front->level, frame);
    float logs[FEATURES_BANDS];
    const float gain = front->level.gain;
    tk_mel_energies(frame, front->level.mean, front->work, logs);
    for (uint32_t m = 0; m < FEATURES_BANDS; m++) {
        const float energy = TK_LIMITED(front, logs[m] * gain);
#ifdef FEATURES_FLOOR_ADDED
        logs[m] = tk_ln(energy + FEATURES_FLOOR);
#else
        logs[m] = tk_ln(energy > FEATURES_FLOOR ? energy : FEATURES_FLOOR);
#endif
    }
    const float *factor = tk_cosines;
    for (uint32_t k = 0; k < FEATURES_VALUES; k++) {
        float sum = 0.0F;
        for (uint32_t m = 0; m < FEATURES_BANDS; m++) {
            sum += *factor++ * logs[m];
        }
#ifdef FEATURES_OFFSETS
        sum += tk_offsets[k];
#endif
        row[k] = tk_rounded(sum);
    }
}
