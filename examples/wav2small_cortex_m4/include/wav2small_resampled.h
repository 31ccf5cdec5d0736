/* SPDX-License-Identifier: Apache-2.0 */
/* Audio of 48, 44.1, 32 or 24 kHz in: a decimator to WAV2SMALL_SAMPLE_RATE_HZ before wav2small_audio.
 *
 *     static wav2small_resampled r;
 *     if (wav2small_resampled_init_48000(&r) != WAV2SMALL_OK) { stop(); }
 *     while (there are samples) {
 *         wav2small_resampled_push_q31(&r, samples, count);
 *     }
 *     if (wav2small_resampled_finish(&r) == WAV2SMALL_OK) {
 *         use(wav2small_output(&r.audio.model, 0));
 *     }
 *     wav2small_resampled_reset(&r);
 *
 * Integer filters give the same bits everywhere, for blocks of any size.  They delay nothing, but a
 * sample is heard only when up to 176 after it are there; the end of a clip is heard whole.
 * 0 to 7.2 kHz pass within 0.01 dB, what lies at 8 kHz and above is at least 70 dB down, and speech
 * differs from that of the resampler soxr (HQ) by less than -75 dBFS.  A second of audio takes a
 * Cortex-M4 at most 12 million cycles from 48 and 44.1 kHz, 7 from 32, 9 from 24.  Who does not call
 * this pays nothing; of the filters (44.1 kHz: 11 KB, else under 1 KB) a linker that drops unused
 * sections (-fdata-sections, --gc-sections) keeps those of the rates that are called.
 *
 * int16 samples are taken as they are.  Q31 (full scale 2^31) and float (full scale 1) become the
 * nearest int16, ties away from 0, clipped; what is no number is silence.
 *
 * A struct is for one context at a time: its calls must not interrupt each other; structs do not
 * know of each other.  No call waits, allocates, or needs more than the stack that the build states;
 * all take as long as the work does, so that they belong into a task or the main loop.  In an
 * interrupt copy the samples, no more.
 * Time: that of wav2small_audio.h and of the filters.
 */
#ifndef WAV2SMALL_RESAMPLED_H
#define WAV2SMALL_RESAMPLED_H

#include <stddef.h>
#include <stdint.h>

#include "wav2small_audio.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WAV2SMALL_DECIMATOR_BYTES 600u

/* Opaque: call an init first. */
typedef struct wav2small_resampled {
    wav2small_audio audio;
    uint64_t decimator[WAV2SMALL_DECIMATOR_BYTES / 8u];
} wav2small_resampled;

/* Begins a clip of audio of so many Hz.  Returns what wav2small_audio_init does. */
int wav2small_resampled_init_48000(wav2small_resampled *r);
int wav2small_resampled_init_44100(wav2small_resampled *r);
int wav2small_resampled_init_32000(wav2small_resampled *r);
int wav2small_resampled_init_24000(wav2small_resampled *r);

/* As wav2small_push_audio: any number of samples; a result other than WAV2SMALL_OK has changed nothing. */
int wav2small_resampled_push_s16(wav2small_resampled *r, const int16_t *samples, size_t count);
int wav2small_resampled_push_q31(wav2small_resampled *r, const int32_t *samples, size_t count);
int wav2small_resampled_push_f32(wav2small_resampled *r, const float *samples, size_t count);

/* Ends the clip, with silence after the last sample, as wav2small_audio_finish does. */
int wav2small_resampled_finish(wav2small_resampled *r);

/* Begins the next clip, of the same rate. */
void wav2small_resampled_reset(wav2small_resampled *r);

#ifdef __cplusplus
}
#endif

#endif
