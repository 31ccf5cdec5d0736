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

#ifdef FEATURES_LEVEL_CLIP
void model_audio_set_level(model_audio *a, const int16_t *clip, size_t count) {
    features_set_level(front_end_of(a), clip, count);
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
        if (features_push(front_end_of(a), samples, hop, rows) != 0) {
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
    const features_state *front_end = front_end_of(a);
    const int empty = a->model.rows[0] == 0 && front_end->filled == FEATURES_PADDING_SAMPLES;
    const size_t rows = empty ? 0 : tk_features_rows(front_end, FEATURES_PADDING_SAMPLES);
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
