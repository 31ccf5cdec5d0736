/* SPDX-License-Identifier: Apache-2.0 */
/* Level of the audio in integers: the mean to subtract and the gain to apply.
 *
 * Modes, and what the gain belongs to, as in tk_level.h.
 */
#ifndef TK_LEVEL_Q_H
#define TK_LEVEL_Q_H

#include <stddef.h>
#include <stdint.h>

#include "tk_number_q.h"

/* Fractional bits of a sample less the mean. */
#define TK_LEVEL_FRACTION 14

typedef struct tk_level {
#ifdef FEATURES_LEVEL_RUNNING
    int64_t running_mean;     /* in 2^-32 of a sample's unit */
    int64_t running_variance; /* in 2^-32 of that squared */
    uint32_t warm_frames;     /* frames seen, up to FEATURES_LEVEL_WARMUP_FRAMES */
#ifdef FEATURES_LEVEL_RESTART_FRAMES
    uint32_t frames; /* since the level began afresh */
#endif
#endif
    int32_t mean; /* in 2^-14 of a sample's unit */
    tk_number gain;
} tk_level;

void tk_level_init(tk_level *level);

#ifdef FEATURES_LEVEL_CLIP
/* Measure a clip; nothing happens when it is empty. */
void tk_level_measure(tk_level *level, const int16_t *clip, size_t count);
#endif

/* Take the next frame into account where the level follows the signal. */
void tk_level_next(tk_level *level, const int16_t *frame);

/* A sample less the mean, in 2^-14 of its unit: within 2^30. */
static inline int32_t tk_level_centred(const tk_level *level, int16_t sample) {
    return sample * (1 << TK_LEVEL_FRACTION) - level->mean;
}

#endif
