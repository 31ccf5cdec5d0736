/* A hand-written stand-in for a generated feature front-end: 8 rows of 4 values make one input. */
#ifndef FEATURES_H
#define FEATURES_H

#include <stddef.h>
#include <stdint.h>

#define FEATURES_SAMPLE_RATE_HZ 16000
#define FEATURES_HOP_SAMPLES 16
#define FEATURES_PADDING_SAMPLES 0u
#define FEATURES_TAIL_SAMPLES 0u
#define FEATURES_END_ROWS 0u
#define FEATURES_END_STEPS 0u
#define FEATURES_FRAME_SAMPLES 16
#define FEATURES_ROW_VALUES 4

typedef struct {
    float mean;
    uint32_t filled;
    int32_t sums[FEATURES_ROW_VALUES];
} features_state;

void features_init(features_state *s);
size_t features_push(features_state *s, const int16_t *samples, size_t count, int8_t *rows);

#endif
