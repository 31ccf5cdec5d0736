/* SPDX-License-Identifier: Apache-2.0 */
/* Audio in, frame by frame: the feature front-end and the streamed model as one.
 *
 *     static model_audio a;
 *     model_audio_init(&a);
 *     while (there are samples) {
 *         model_push_audio(&a, samples, count);
 *     }
 *     if (model_audio_finish(&a) == MODEL_OK) {
 *         use(model_output(&a.model, 0));
 *     }
 *     model_audio_reset(&a);
 *
 * Samples are int16 at FEATURES_SAMPLE_RATE_HZ.  How they are cut into chunks does not matter: the
 * outputs have the bits of the features of the whole clip, run through the whole network at once.
 */
#ifndef MODEL_AUDIO_H
#define MODEL_AUDIO_H

#include "features.h"
#include "model.h"

typedef struct model_audio {
    model model;
    features_state features;
} model_audio;

/* Begins a clip. */
void model_audio_init(model_audio *a);

#ifdef FEATURES_LEVEL_CLIP
/* This model's features depend on the level of the whole clip, which no stream knows before it
 * ends: call this with all samples between model_audio_init (or reset) and the first push. */
void model_audio_set_level(model_audio *a, const int16_t *clip, size_t count);
#endif

/* Takes any number of samples; runs the model on every frame that they complete.  Returns MODEL_OK;
 * MODEL_ENDED, without effect, from a model_audio_finish that returned MODEL_OK until
 * model_audio_reset; or MODEL_TOO_MANY_FRAMES once the clip is too long to be finished. */
int model_push_audio(model_audio *a, const int16_t *samples, size_t count);

/* Ends the clip; samples that complete no frame are dropped.  Returns what model_finish does.
 * Unless that is MODEL_OK nothing has changed: after MODEL_TOO_FEW_FRAMES the clip goes on as if
 * never ended.  Once it has ended this returns MODEL_OK, and the outputs stay. */
int model_audio_finish(model_audio *a);

/* Begins the next clip. */
void model_audio_reset(model_audio *a);

#endif
