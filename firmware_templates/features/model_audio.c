/* SPDX-License-Identifier: Apache-2.0 */
#include "model_audio.h"

/* Refused by the compiler when a frame of the model is not a row of features. */
typedef char model_audio_frame_check[MODEL_FRAME_BYTES == FEATURES_ROW_VALUES ? 1 : -1];

void model_audio_init(model_audio *a) {
    model_audio_reset(a);
}

void model_audio_reset(model_audio *a) {
    features_init(&a->features);
    model_reset(&a->model);
}

#ifdef FEATURES_LEVEL_CLIP
void model_audio_set_level(model_audio *a, const int16_t *clip, size_t count) {
    features_set_level(&a->features, clip, count);
}
#endif

int model_push_audio(model_audio *a, const int16_t *samples, size_t count) {
    int8_t rows[2 * FEATURES_ROW_VALUES]; /* what features_push asks for; a hop completes one row */
    int status = model_status(&a->model, 0);
    if (status == MODEL_TOO_FEW_FRAMES) {
        status = MODEL_OK; /* so far */
    }
    while (count > 0 && status == MODEL_OK) {
        const size_t hop = count < FEATURES_HOP_SAMPLES ? count : FEATURES_HOP_SAMPLES;
        if (features_push(&a->features, samples, hop, rows) != 0) {
            status = model_push_frame(&a->model, rows);
        }
        samples += hop;
        count -= hop;
    }
    return status;
}

int model_audio_finish(model_audio *a) {
#if FEATURES_PADDING_SAMPLES > 0
    static const int16_t silence[32];
    /* The padding cannot be taken back: first see whether the clip can end with it.  Without any
     * sample there is no clip, and no row. */
    const int empty = a->model.rows[0] == 0 && a->features.filled == FEATURES_PADDING_SAMPLES;
    const size_t rows = empty ? 0 : tk_features_rows(&a->features, FEATURES_PADDING_SAMPLES);
    const int status = model_status(&a->model, (uint32_t)rows);
    if (status != MODEL_OK) {
        return status == MODEL_ENDED ? MODEL_OK : status;
    }
    for (size_t left = FEATURES_PADDING_SAMPLES; left > 0;) {
        const size_t count = left < 32 ? left : 32;
        (void)model_push_audio(a, silence, count);
        left -= count;
    }
#endif
    return model_finish(&a->model);
}
