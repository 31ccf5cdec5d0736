/* SPDX-License-Identifier: Apache-2.0 */
/* Log-mel features in float32: a row is the quantised logarithm of the mel energies. */
#include "wav2small_features.h"
#include "wav2small_tk_edges.h"

void wav2small_tk_front_row(wav2small_tk_front *front, const int16_t *frame, wav2small_tk_value *row) {
    wav2small_tk_level_next(&front->level, frame);
    float energies[WAV2SMALL_FEATURES_BANDS];
    const float gain = front->level.gain;
    wav2small_tk_mel_energies(frame, front->level.mean, front->work, energies);
    for (uint32_t m = 0; m < WAV2SMALL_FEATURES_BANDS; m++) {
        union {
            float value;
            uint32_t bits;
        } number;
        number.value = WAV2SMALL_TK_LIMITED(front, energies[m] * gain);
        row[m] = wav2small_tk_edges_feature(number.bits);
    }
}
