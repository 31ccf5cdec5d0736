/* SPDX-License-Identifier: Apache-2.0 */
/* Audio in, frame by frame: the feature front-end and the streamed model as one.
 *
 *     static wav2small_audio a;
 *     if (wav2small_audio_init(&a) != WAV2SMALL_OK) { stop(); }
 *     while (there are samples) {
 *         wav2small_push_audio(&a, samples, count);
 *     }
 *     if (wav2small_audio_finish(&a) == WAV2SMALL_OK) {
 *         use(wav2small_output(&a.model, 0));
 *     }
 *     wav2small_audio_reset(&a);
 *
 * Samples are those of WAV2SMALL_SAMPLE_RATE_HZ, in blocks of any size: the outputs have the bits of the
 * features of the whole clip, run through the whole network at once.
 *
 * int16 samples are taken as they are.  Q31 (full scale 2^31) and float (full scale 1) become the
 * nearest int16, ties away from 0, clipped; what is no number is silence.
 *
 * A struct is for one context at a time: its calls must not interrupt each other; structs do not
 * know of each other.  No call waits, allocates, or needs more than the stack that the build states;
 * all take as long as the work does, so that they belong into a task or the main loop.  In an
 * interrupt copy the samples, no more.
 * Time: a push takes that of a whole frame, features and layers, for every frame that its samples
 * complete (wav2small_cost.h, frame_latency_ms_worst in the report).
 */
#ifndef WAV2SMALL_AUDIO_H
#define WAV2SMALL_AUDIO_H

#include <stddef.h>
#include <stdint.h>

#include "wav2small.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WAV2SMALL_SAMPLE_RATE_HZ 16000u
#define WAV2SMALL_HOP_SAMPLES 32u
#define WAV2SMALL_FRONT_END_BYTES 424u

/* Opaque: call wav2small_audio_init first. */
typedef struct wav2small_audio {
    wav2small model;
    uint64_t front_end[(WAV2SMALL_FRONT_END_BYTES + 7u) / 8u];
} wav2small_audio;

/* Begins a clip.  Returns what wav2small_init does. */
int wav2small_audio_init(wav2small_audio *a);

/* Takes any number of samples; runs the model on every frame that they complete.  Returns
 * WAV2SMALL_OK; or, without effect, WAV2SMALL_TOO_MANY_FRAMES where the clip would be too long to be
 * finished; WAV2SMALL_ENDED from a wav2small_audio_finish that returned WAV2SMALL_OK until wav2small_audio_reset. */
int wav2small_push_audio(wav2small_audio *a, const int16_t *samples, size_t count);
int wav2small_push_audio_q31(wav2small_audio *a, const int32_t *samples, size_t count);
int wav2small_push_audio_f32(wav2small_audio *a, const float *samples, size_t count);

/* The same in pieces, for loops that must not wait long: takes samples until they complete a frame,
 * and moves on `samples` and `count`; runs no layer.  Then call wav2small_step until it has nothing left,
 * and come back with the rest.  A result other than WAV2SMALL_OK has changed nothing: WAV2SMALL_BUSY as long as
 * steps are left, the others as above. */
int wav2small_put_audio(wav2small_audio *a, const int16_t **samples, size_t *count);

/* Ends the clip; samples that complete no frame are dropped.  Returns what wav2small_finish does.
 * Unless that is WAV2SMALL_OK nothing has changed: after WAV2SMALL_TOO_FEW_FRAMES the clip goes on as if
 * never ended.  Once it has ended this returns WAV2SMALL_OK, and the outputs stay. */
int wav2small_audio_finish(wav2small_audio *a);

/* WAV2SMALL_ENDED once the clip has ended; else what wav2small_audio_finish would return after `more`
 * further samples. */
int wav2small_audio_status(const wav2small_audio *a, size_t more);

/* Begins the next clip. */
void wav2small_audio_reset(wav2small_audio *a);

#ifdef __cplusplus
}
#endif

#endif
