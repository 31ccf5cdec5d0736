/* SPDX-License-Identifier: Apache-2.0 */
#include "features.h"
#include "tk_sums.h"

#ifdef FEATURES_LEVEL_ROOT
#include "tk_sqrt.h"
#endif

/* Square of full scale, 32768: squared samples over it are fractions, exactly. */
#define SQUARED_FULL_SCALE 1073741824.0F

#ifndef FEATURES_LEVEL_FIXED

/* Within 2^-23 of |value| < 2^62, without the run-time library's conversion. */
static inline float to_float(int64_t value) {
    return (float)(int32_t)(value >> 31) * 2147483648.0F + (float)(int32_t)(value & INT32_MAX);
}

/* Mean and variance of `count` >= 1 samples, from integer sums about `centre`, their truncated
 * mean, so that a DC offset costs no precision. */
static inline void measure(const tk_sums *sums, int64_t count, int32_t centre, float *mean,
                           float *variance) {
    const int64_t rest = sums->linear - count * centre;
    const int64_t squares = sums->squares - centre * (sums->linear + rest);
    const float offset = (float)(int32_t)rest / (float)count;
    const float spread = to_float(squares) / (float)count - offset * offset;
    *mean = (float)centre + offset;
    *variance = spread > 0.0F ? spread : 0.0F;
}

static inline float gain(float variance) {
    const float square = variance / SQUARED_FULL_SCALE + FEATURES_LEVEL_EPSILON;
#ifdef FEATURES_LEVEL_ROOT
    return tk_inverse_sqrt(square);
#else
    return 1.0F / square;
#endif
}

#endif

void tk_level_init(tk_level *level) {
    level->mean = 0.0F;
    level->gain = FEATURES_LEVEL_INITIAL;
#ifdef FEATURES_LEVEL_RUNNING
    level->mean_carry = 0.0F;
    level->variance = 0.0F;
    level->variance_carry = 0.0F;
    level->warm_frames = 0;
#ifdef FEATURES_LEVEL_RESTART_FRAMES
    level->frames = 0;
#endif
#endif
}

#ifdef FEATURES_LEVEL_CLIP
void tk_level_measure(tk_level *level, const int16_t *clip, size_t count) {
    const tk_sums sums = tk_sum_clip(clip, count);
    if (count > 0) {
        const int32_t centre = (int32_t)(sums.linear / (int64_t)count);
        float variance;
        measure(&sums, (int64_t)count, centre, &level->mean, &variance);
        level->gain = gain(variance);
    }
}
#endif

#ifdef FEATURES_LEVEL_RUNNING
/* Compensated sum: steps far below the sum's resolution still add up, over hours. */
static inline void accumulate(float *sum, float *carry, float step) {
    const float wanted = step + *carry;
    const float next = *sum + wanted;
    *carry = wanted - (next - *sum);
    *sum = next;
}

/* Mean M and variance V with weight a:
 * V += a (v - V + (1 - a) (m - M)^2), then M += a (m - M). */
void tk_level_next(tk_level *level, const int16_t *frame) {
#ifdef FEATURES_LEVEL_RESTART_FRAMES
    if (level->frames == FEATURES_LEVEL_RESTART_FRAMES) {
        tk_level_init(level);
    }
    level->frames++;
#endif
    const tk_sums sums = tk_sum_block(frame, FEATURES_FRAME_SAMPLES);
    const int32_t centre = (int32_t)sums.linear / (int32_t)FEATURES_FRAME_SAMPLES;
    float mean;
    float variance;
    measure(&sums, FEATURES_FRAME_SAMPLES, centre, &mean, &variance);
    float a = FEATURES_LEVEL_SMOOTHING;
    if (level->warm_frames < FEATURES_LEVEL_WARMUP_FRAMES) {
        level->warm_frames++;
        a = 1.0F / (float)level->warm_frames;
    }
    const float step = mean - level->mean;
    const float target = variance + (1.0F - a) * step * step;
    accumulate(&level->variance, &level->variance_carry, a * (target - level->variance));
    accumulate(&level->mean, &level->mean_carry, a * step);
    level->gain = gain(level->variance);
}
#else
void tk_level_next(tk_level *level, const int16_t *frame) {
    (void)level;
    (void)frame;
}
#endif
