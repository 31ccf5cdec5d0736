/* The waveform itself as features, float32: level-normalised samples, quantised. */
#include "features.h"
#include "tk_quantise.h"

void tk_features_row(tk_features_state *s, int8_t *row) {
    const float steps = s->level.gain * FEATURES_STEPS_PER_SAMPLE;
    for (uint32_t i = 0; i < FEATURES_FRAME_SAMPLES; i++) {
        row[i] = tk_quantise(((float)s->frame[i] - s->level.mean) * steps);
    }
}
