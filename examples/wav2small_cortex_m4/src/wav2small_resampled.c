/* SPDX-License-Identifier: Apache-2.0 */
#include "wav2small_resampled.h"

#include <stddef.h>

#include "tk_compiler_5530835e.h"
#include "tk_decimate_35daa43e.h"

/* Refused by the compiler when the decimator's state does not fit its place. */
typedef char wav2small_resampled_state_check[sizeof(tk_35daa43e_decimate) <= WAV2SMALL_DECIMATOR_BYTES ? 1 : -1];

/* Samples that are decimated at once. */
#define BLOCK 32u

static tk_35daa43e_decimate *decimator_of(wav2small_resampled *r) {
    return (tk_35daa43e_decimate *)(void *)r->decimator;
}

int wav2small_resampled_init_48000(wav2small_resampled *r) {
    TK_ASSERT(r != NULL);
    const int status = wav2small_audio_init(&r->audio);
    if (status == WAV2SMALL_OK) {
        tk_35daa43e_decimate_init(decimator_of(r), &tk_c63b4211_decimate_from_48000);
    }
    return status;
}

int wav2small_resampled_init_44100(wav2small_resampled *r) {
    TK_ASSERT(r != NULL);
    const int status = wav2small_audio_init(&r->audio);
    if (status == WAV2SMALL_OK) {
        tk_35daa43e_decimate_init(decimator_of(r), &tk_c63b4211_decimate_from_44100);
    }
    return status;
}

int wav2small_resampled_init_32000(wav2small_resampled *r) {
    TK_ASSERT(r != NULL);
    const int status = wav2small_audio_init(&r->audio);
    if (status == WAV2SMALL_OK) {
        tk_35daa43e_decimate_init(decimator_of(r), &tk_c63b4211_decimate_from_32000);
    }
    return status;
}

int wav2small_resampled_init_24000(wav2small_resampled *r) {
    TK_ASSERT(r != NULL);
    const int status = wav2small_audio_init(&r->audio);
    if (status == WAV2SMALL_OK) {
        tk_35daa43e_decimate_init(decimator_of(r), &tk_c63b4211_decimate_from_24000);
    }
    return status;
}

void wav2small_resampled_reset(wav2small_resampled *r) {
    TK_ASSERT(r != NULL);
    tk_35daa43e_decimate_init(decimator_of(r), decimator_of(r)->rate);
    wav2small_audio_reset(&r->audio);
}

/* Whether `count` samples may be pushed. */
static int room(wav2small_resampled *r, size_t count) {
    const size_t heard = tk_35daa43e_decimate_left(decimator_of(r), count);
    const int status = wav2small_audio_status(&r->audio, heard);
    return status == WAV2SMALL_TOO_FEW_FRAMES ? WAV2SMALL_OK : status;
}

int wav2small_resampled_push_s16(wav2small_resampled *r, const int16_t *samples, size_t count) {
    TK_ASSERT(r != NULL && (samples != NULL || count == 0));
    const int status = room(r, count);
    for (size_t taken; status == WAV2SMALL_OK && count > 0; samples += taken, count -= taken) {
        int16_t block[TK_DECIMATE_OUTPUTS(BLOCK)];
        taken = count < BLOCK ? count : BLOCK;
        const size_t heard = tk_35daa43e_decimate_s16(decimator_of(r), samples, taken, block);
        (void)wav2small_push_audio(&r->audio, block, heard);
    }
    return status;
}

int wav2small_resampled_push_q31(wav2small_resampled *r, const int32_t *samples, size_t count) {
    TK_ASSERT(r != NULL && (samples != NULL || count == 0));
    const int status = room(r, count);
    for (size_t taken; status == WAV2SMALL_OK && count > 0; samples += taken, count -= taken) {
        int16_t block[TK_DECIMATE_OUTPUTS(BLOCK)];
        taken = count < BLOCK ? count : BLOCK;
        const size_t heard = tk_35daa43e_decimate_q31(decimator_of(r), samples, taken, block);
        (void)wav2small_push_audio(&r->audio, block, heard);
    }
    return status;
}

int wav2small_resampled_push_f32(wav2small_resampled *r, const float *samples, size_t count) {
    TK_ASSERT(r != NULL && (samples != NULL || count == 0));
    const int status = room(r, count);
    for (size_t taken; status == WAV2SMALL_OK && count > 0; samples += taken, count -= taken) {
        int16_t block[TK_DECIMATE_OUTPUTS(BLOCK)];
        taken = count < BLOCK ? count : BLOCK;
        const size_t heard = tk_35daa43e_decimate_f32(decimator_of(r), samples, taken, block);
        (void)wav2small_push_audio(&r->audio, block, heard);
    }
    return status;
}

int wav2small_resampled_finish(wav2small_resampled *r) {
    TK_ASSERT(r != NULL);
    static const int16_t silence[BLOCK];
    size_t left = tk_35daa43e_decimate_left(decimator_of(r), 0);
    const int status = wav2small_audio_status(&r->audio, left);
    if (status != WAV2SMALL_OK) {
        return status == WAV2SMALL_ENDED ? WAV2SMALL_OK : status;
    }
    for (size_t heard; left > 0; left -= heard) {
        int16_t block[TK_DECIMATE_OUTPUTS(BLOCK)];
        heard = tk_35daa43e_decimate_s16(decimator_of(r), silence, BLOCK, block);
        heard = heard < left ? heard : left;
        (void)wav2small_push_audio(&r->audio, block, heard);
    }
    return wav2small_audio_finish(&r->audio);
}
