/* SPDX-License-Identifier: Apache-2.0 */
/* Level of the audio in float32: the mean to subtract and the gain to apply.
 *
 * WAV2SMALL_FEATURES_LEVEL_CLIP: of the whole clip, measured before its first frame.
 * WAV2SMALL_FEATURES_LEVEL_RUNNING: exponential averages that follow the signal frame by frame.
 * WAV2SMALL_FEATURES_LEVEL_FIXED: no mean, a constant gain.
 * The gain belongs to what it multiplies: one over the level's mean square where that is power,
 * over its root (WAV2SMALL_FEATURES_LEVEL_ROOT) where that is an amplitude.
 */
#ifndef WAV2SMALL_TK_LEVEL_H
#define WAV2SMALL_TK_LEVEL_H

#include <stddef.h>
#include <stdint.h>

typedef struct wav2small_tk_level {
    float mean; /* in samples' units */
    float gain;
#ifdef WAV2SMALL_FEATURES_LEVEL_RUNNING
    float mean_carry;     /* what `mean` lost to rounding */
    float variance;       /* running variance, in samples' units squared */
    float variance_carry; /* what `variance` lost to rounding */
    uint32_t warm_frames; /* frames seen, up to WAV2SMALL_FEATURES_LEVEL_WARMUP_FRAMES */
#ifdef WAV2SMALL_FEATURES_LEVEL_RESTART_FRAMES
    uint32_t frames; /* since the level began afresh */
#endif
#endif
} wav2small_tk_level;

void wav2small_tk_level_init(wav2small_tk_level *level);

#ifdef WAV2SMALL_FEATURES_LEVEL_CLIP
/* Measure a clip; nothing happens when it is empty. */
void wav2small_tk_level_measure(wav2small_tk_level *level, const int16_t *clip, size_t count);
#endif

/* Take the next frame into account where the level follows the signal. */
void wav2small_tk_level_next(wav2small_tk_level *level, const int16_t *frame);

#endif
