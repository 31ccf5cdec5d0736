/* SPDX-License-Identifier: Apache-2.0 */
/* Endless audio in: the feature front-end and the model in continuous mode as one.
 *
 *     static model_audio a;
 *     model_audio_init(&a);
 *     for (;;) {
 *         const int16_t *samples = ...; size_t count = ...;
 *         while (model_push_audio(&a, &samples, &count)) {
 *             use(model_output(&a.model, 0));
 *         }
 *     }
 *
 * Samples are int16 at FEATURES_SAMPLE_RATE_HZ.  How they are cut into chunks does not matter.
 */
#ifndef MODEL_AUDIO_H
#define MODEL_AUDIO_H

#include "features.h"
#include "model.h"

#ifdef FEATURES_LEVEL_CLIP
#error "the level of a whole clip is not to be had on endless audio: use mode running or fixed"
#endif

typedef struct model_audio {
    model model;
    features_state features;
} model_audio;

/* Begins to listen. */
void model_audio_init(model_audio *a);

/* Takes samples up to the next output: moves `*samples` and `*count` past those it took and returns
 * 1 when there are new outputs; or takes all and returns 0. */
int model_push_audio(model_audio *a, const int16_t **samples, size_t *count);

/* Forgets all samples. */
void model_audio_reset(model_audio *a);

#endif
