/* Mel-frequency cepstral coefficients in float32: the cosine transform of a log-mel row. */
#include "features.h"
#include "tk_log.h"
#include "tk_quantise.h"

void tk_features_row(tk_features_state *s, int8_t *row) {
    float logs[FEATURES_BANDS];
    const float gain = s->level.gain;
    tk_mel_energies(s->frame, s->level.mean, s->work, logs);
    for (uint32_t m = 0; m < FEATURES_BANDS; m++) {
        const float energy = logs[m] * gain;
#ifdef FEATURES_FLOOR_ADDED
        logs[m] = tk_ln(energy + FEATURES_FLOOR);
#else
        logs[m] = tk_ln(energy > FEATURES_FLOOR ? energy : FEATURES_FLOOR);
#endif
    }
    const float *factor = tk_cosines;
    for (uint32_t k = 0; k < FEATURES_ROW_VALUES; k++) {
        float sum = 0.0F;
        for (uint32_t m = 0; m < FEATURES_BANDS; m++) {
            sum += *factor++ * logs[m];
        }
        row[k] = tk_quantise(sum);
    }
}
