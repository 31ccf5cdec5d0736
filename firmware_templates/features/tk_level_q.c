/* SPDX-License-Identifier: Apache-2.0 */
#include "features.h"
#include "tk_compiler.h"
#include "tk_sums.h"

#ifndef FEATURES_LEVEL_FIXED

/* Mean and variance in 1/65536 of `count` >= 1 samples; `centre` is their truncated mean. */
static inline void measure(const tk_sums *sums, int64_t count, int32_t centre, int64_t *mean,
                           int64_t *variance) {
    const int64_t rest = sums->linear - count * centre;
    const int64_t squares = sums->squares - centre * (sums->linear + rest);
    const int64_t offset = rest * 65536 / count;
    const int64_t square = squares / count * 65536 + squares % count * 65536 / count;
    const int64_t spread = square - (offset * offset >> 16);
    *mean = centre * INT64_C(65536) + offset;
    *variance = spread > 0 ? spread : 0;
}

/* One over the mean square, full scale = 1, or over its root; `variance` in 1/65536. */
static inline tk_number gain(int64_t variance) {
    const tk_number square = tk_number_from((uint64_t)(variance + FEATURES_LEVEL_EPSILON), -46);
    const tk_number inverse =
        tk_number_from((UINT64_C(1) << 63) / square.mantissa, -63 - square.exponent);
#ifdef FEATURES_LEVEL_ROOT
    return tk_number_sqrt(inverse);
#else
    return inverse;
#endif
}

#endif

void tk_level_init(tk_level *level) {
    const tk_number initial = {FEATURES_LEVEL_INITIAL, FEATURES_LEVEL_INITIAL_EXPONENT};
    level->mean = 0;
    level->gain = initial;
#ifdef FEATURES_LEVEL_RUNNING
    level->running_mean = 0;
    level->running_variance = 0;
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
        int64_t mean;
        int64_t variance;
        measure(&sums, (int64_t)count, centre, &mean, &variance);
        level->mean = (int32_t)((mean + 2) >> (16 - TK_LEVEL_FRACTION));
        level->gain = gain(variance);
    }
}
#endif

#ifdef FEATURES_LEVEL_RUNNING

/* Weight of a frame: mantissa / 2^shift, mantissa at most 65536, shift at least 16. */
typedef struct weight {
    uint32_t mantissa;
    int32_t shift;
} weight;

static inline weight next_weight(tk_level *level) {
    weight a = {FEATURES_LEVEL_SMOOTHING, FEATURES_LEVEL_SMOOTHING_SHIFT};
    if (level->warm_frames < FEATURES_LEVEL_WARMUP_FRAMES) {
        level->warm_frames++;
        a.shift = 47 - tk_leading_zeros(level->warm_frames);
        a.mantissa = (uint32_t)((UINT64_C(1) << a.shift) / level->warm_frames);
    }
    return a;
}

/* Weighted, from 1/65536 to 2^-32. */
static inline int64_t weighted(weight a, int64_t value) {
    return value * a.mantissa >> (a.shift - 16);
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
    int64_t mean;
    int64_t variance;
    measure(&sums, FEATURES_FRAME_SAMPLES, centre, &mean, &variance);
    const weight a = next_weight(level);
    const int64_t step = mean - (level->running_mean >> 16);
    const int64_t square = (step >> 8) * (step >> 8);
    const int64_t rest = square - ((square >> 8) * a.mantissa >> (a.shift - 8));
    const int64_t change = variance + rest - (level->running_variance >> 16);
    level->running_variance += weighted(a, change);
    level->running_mean += weighted(a, step);
    const int64_t half = INT64_C(1) << (31 - TK_LEVEL_FRACTION);
    level->mean = (int32_t)((level->running_mean + half) >> (32 - TK_LEVEL_FRACTION));
    level->gain = gain(level->running_variance >> 16);
}

#else
void tk_level_next(tk_level *level, const int16_t *frame) {
    (void)level;
    (void)frame;
}
#endif
