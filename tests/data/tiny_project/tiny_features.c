#include "tiny_features.h"

void features_init(features_state *s) {
    *s = (features_state){0};
}

size_t features_push(features_state *s, const int16_t *samples, size_t count, int8_t *rows) {
    size_t completed = 0;
    for (size_t n = 0; n < count; n++) {
        s->mean += 0.01f * ((float)samples[n] - s->mean);
        s->sums[s->filled % FEATURES_ROW_VALUES] += samples[n] - (int32_t)s->mean;
        s->filled++;
        if (s->filled == FEATURES_HOP_SAMPLES) {
            for (size_t v = 0; v < FEATURES_ROW_VALUES; v++) {
                const int32_t value = s->sums[v] / 1024;
                *rows++ = (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
                s->sums[v] = 0;
            }
            s->filled = 0;
            completed++;
        }
    }
    return completed;
}
