/* SPDX-License-Identifier: Apache-2.0 */
#include "wav2small_audio.h"

#include "wav2small_features.h"
#include "tk_compiler_5530835e.h"
#include "tk_samples_d7d34f3e.h"

/* Refused by the compiler when the front-end's state does not fit its place. */
typedef char wav2small_audio_state_check[sizeof(wav2small_features_state) <= sizeof(((wav2small_audio *)0)->front_end)
                                         ? 1
                                         : -1];

/* Samples of other types that are converted at once. */
#define BLOCK 32u

static wav2small_features_state *front_end_of(wav2small_audio *a) {
    return (wav2small_features_state *)(void *)a->front_end;
}

/* Refused by the compiler when a frame of the model is not a row of features. */
typedef char wav2small_audio_frame_check[WAV2SMALL_FRAME_BYTES == WAV2SMALL_FEATURES_ROW_VALUES ? 1 : -1];

int wav2small_audio_init(wav2small_audio *a) {
    TK_ASSERT(a != NULL);
    const int status = wav2small_init(&a->model);
    if (status == WAV2SMALL_OK) {
        wav2small_audio_reset(a);
    }
    return status;
}

void wav2small_audio_reset(wav2small_audio *a) {
    TK_ASSERT(a != NULL);
    wav2small_features_init(front_end_of(a));
    wav2small_reset(&a->model);
}

int wav2small_audio_status(const wav2small_audio *a, size_t more) {
    TK_ASSERT(a != NULL);
    const wav2small_features_state *front_end = (const wav2small_features_state *)(const void *)a->front_end;
    const size_t rows = wav2small_features_rows_to_end(front_end, more);
    return wav2small_status(&a->model, rows < UINT32_MAX ? (uint32_t)rows : UINT32_MAX);
}

/* Whether `count` samples may be pushed. */
static int room(const wav2small_audio *a, size_t count) {
    const int status = wav2small_audio_status(a, count);
    return status == WAV2SMALL_TOO_FEW_FRAMES ? WAV2SMALL_OK : status;
}

static void take(wav2small_audio *a, const int16_t *samples, size_t count) {
    int8_t rows[2 * WAV2SMALL_FEATURES_ROW_VALUES]; /* what wav2small_features_push asks for; a hop completes one row */
    while (count > 0) {
        const size_t hop = count < WAV2SMALL_FEATURES_HOP_SAMPLES ? count : WAV2SMALL_FEATURES_HOP_SAMPLES;
        if (wav2small_features_push(front_end_of(a), samples, hop, rows) != 0) {
            (void)wav2small_push_frame(&a->model, rows);
        }
        samples += hop;
        count -= hop;
    }
}

int wav2small_push_audio(wav2small_audio *a, const int16_t *samples, size_t count) {
    TK_ASSERT(a != NULL && (samples != NULL || count == 0));
    const int status = room(a, count);
    if (status == WAV2SMALL_OK) {
        take(a, samples, count);
    }
    return status;
}

int wav2small_push_audio_q31(wav2small_audio *a, const int32_t *samples, size_t count) {
    TK_ASSERT(a != NULL && (samples != NULL || count == 0));
    const int status = room(a, count);
    for (size_t taken; status == WAV2SMALL_OK && count > 0; samples += taken, count -= taken) {
        int16_t block[BLOCK];
        taken = count < BLOCK ? count : BLOCK;
        tk_d7d34f3e_samples_q31(samples, taken, block);
        take(a, block, taken);
    }
    return status;
}

int wav2small_push_audio_f32(wav2small_audio *a, const float *samples, size_t count) {
    TK_ASSERT(a != NULL && (samples != NULL || count == 0));
    const int status = room(a, count);
    for (size_t taken; status == WAV2SMALL_OK && count > 0; samples += taken, count -= taken) {
        int16_t block[BLOCK];
        taken = count < BLOCK ? count : BLOCK;
        tk_d7d34f3e_samples_f32(samples, taken, block);
        take(a, block, taken);
    }
    return status;
}

int wav2small_put_audio(wav2small_audio *a, const int16_t **samples, size_t *count) {
    TK_ASSERT(a != NULL && samples != NULL && count != NULL);
    int8_t row[WAV2SMALL_FEATURES_ROW_VALUES]; /* no samples but those of one frame are taken */
    const size_t wanted = wav2small_features_wanted(front_end_of(a));
    const size_t taken = *count < wanted ? *count : wanted;
    const int status = a->model.waiting ? WAV2SMALL_BUSY : room(a, taken);
    if (status == WAV2SMALL_OK) {
        if (wav2small_features_push(front_end_of(a), *samples, taken, row) != 0) {
            (void)wav2small_put_frame(&a->model, row);
        }
        *samples += taken;
        *count -= taken;
    }
    return status;
}

int wav2small_audio_finish(wav2small_audio *a) {
    const int status = wav2small_audio_status(a, 0);
    if (status != WAV2SMALL_OK) {
        return status == WAV2SMALL_ENDED ? WAV2SMALL_OK : status;
    }
    return wav2small_finish(&a->model);
}
