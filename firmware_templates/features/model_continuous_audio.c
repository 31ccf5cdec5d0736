/* SPDX-License-Identifier: Apache-2.0 */
#include "model_audio.h"

#include "features.h"

/* Refused by the compiler when a frame of the model is not a row of features. */
typedef char model_audio_frame_check[MODEL_FRAME_BYTES == FEATURES_ROW_VALUES ? 1 : -1];

/* Refused by the compiler when the front-end's state does not fit its place. */
typedef char model_audio_state_check[sizeof(features_state) <= sizeof(((model_audio *)0)->front_end)
                                         ? 1
                                         : -1];

static features_state *front_end_of(model_audio *a) {
    return (features_state *)(void *)a->front_end;
}

void model_audio_init(model_audio *a) {
    model_audio_reset(a);
}

void model_audio_reset(model_audio *a) {
    features_init(front_end_of(a));
    model_reset(&a->model);
}

int model_push_audio(model_audio *a, const int16_t **samples, size_t *count) {
    int8_t rows[2 * FEATURES_ROW_VALUES]; /* what features_push asks for; a hop completes one row */
    while (*count > 0) {
        const size_t hop = *count < FEATURES_HOP_SAMPLES ? *count : FEATURES_HOP_SAMPLES;
        const size_t completed = features_push(front_end_of(a), *samples, hop, rows);
        *samples += hop;
        *count -= hop;
        if (completed != 0 && model_push_frame(&a->model, rows)) {
            return 1;
        }
    }
    return 0;
}
