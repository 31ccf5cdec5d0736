/* Log-mel features in float32: a row is the quantised logarithm of the mel energies. */
#include "features.h"
#include "tk_edges.h"

void tk_features_row(tk_features_state *s, int8_t *row) {
    float energies[FEATURES_BANDS];
    const float gain = s->level.gain;
    tk_mel_energies(s->frame, s->level.mean, s->work, energies);
    for (uint32_t m = 0; m < FEATURES_BANDS; m++) {
        union {
            float value;
            uint32_t bits;
        } number;
        number.value = energies[m] * gain;
        row[m] = tk_edges_feature(number.bits);
    }
}
