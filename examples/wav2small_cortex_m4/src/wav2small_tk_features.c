/* SPDX-License-Identifier: Apache-2.0 */
#include "wav2small_features.h"
#include "wav2small_tk_compiler.h"

/* Samples that complete a row. */
#define WANTED (WAV2SMALL_FEATURES_FRAME_SAMPLES + WAV2SMALL_TK_FEATURES_AHEAD)

/* Begin a clip; how rows are normalised stays. */
static void begin(wav2small_tk_features_state *s) {
    wav2small_tk_front_init(&s->front);
    WAV2SMALL_TK_ZERO(s->frame, sizeof s->frame);
#ifdef WAV2SMALL_FEATURES_WIDE_VALUES
    wav2small_tk_rows_begin(&s->rows);
#endif
    s->filled = WAV2SMALL_FEATURES_PADDING_SAMPLES;
    s->gap = 0;
#ifdef WAV2SMALL_FEATURES_MIRRORED
    s->begins = 1;
#endif
#ifdef WAV2SMALL_FEATURES_EMPHASIS_ENDS
    s->beyond = 0;
#endif
}

void wav2small_tk_features_init(wav2small_tk_features_state *s) {
#ifdef WAV2SMALL_FEATURES_NORMALISED
    WAV2SMALL_TK_ZERO(&s->rows.normal, sizeof s->rows.normal);
#endif
    begin(s);
}

/* Keep what the next frame shares with this one. */
static void advance(wav2small_tk_features_state *s) {
#if WAV2SMALL_FEATURES_HOP_SAMPLES < WAV2SMALL_FEATURES_FRAME_SAMPLES + WAV2SMALL_TK_FEATURES_AHEAD
    s->filled = WANTED - WAV2SMALL_FEATURES_HOP_SAMPLES;
    WAV2SMALL_TK_MOVE(s->frame, s->frame + WAV2SMALL_FEATURES_HOP_SAMPLES,
            (s->filled + WAV2SMALL_TK_FEATURES_BEFORE) * sizeof s->frame[0]);
#else
    s->filled = 0;
    s->gap = WAV2SMALL_FEATURES_HOP_SAMPLES - WAV2SMALL_FEATURES_FRAME_SAMPLES;
#if WAV2SMALL_TK_FEATURES_BEFORE > 0
    s->frame[0] = s->frame[WAV2SMALL_FEATURES_FRAME_SAMPLES];
#endif
#endif
}

/* The row of the frame that is there; returns whether the model's row came of it. */
static inline size_t complete(wav2small_tk_features_state *s, int8_t *row) {
    int16_t *frame = s->frame + WAV2SMALL_TK_FEATURES_BEFORE;
#ifdef WAV2SMALL_FEATURES_MIRRORED
    /* The first frame's begin is its end, about its middle: sample 0 of the clip. */
    for (uint32_t k = 1; s->begins && k <= WAV2SMALL_FEATURES_PADDING_SAMPLES; k++) {
        frame[WAV2SMALL_FEATURES_PADDING_SAMPLES - k] = frame[WAV2SMALL_FEATURES_PADDING_SAMPLES + k];
    }
    s->begins = 0;
#endif
#ifdef WAV2SMALL_FEATURES_EMPHASIS_OF_FRAME
    const int16_t before = s->frame[0];
    s->frame[0] = frame[0];
#endif
#ifdef WAV2SMALL_FEATURES_EMPHASIS_ENDS
    s->frame[0] = (int16_t)(s->beyond < WAV2SMALL_FEATURES_FRAME_SAMPLES ? s->beyond : 0u);
#endif
#ifdef WAV2SMALL_FEATURES_WIDE_VALUES
    wav2small_tk_value values[WAV2SMALL_FEATURES_VALUES];
    wav2small_tk_front_row(&s->front, frame, values);
    const size_t completed = wav2small_tk_rows_take(&s->rows, values, row);
#else
    wav2small_tk_front_row(&s->front, frame, row);
    const size_t completed = 1;
#endif
#ifdef WAV2SMALL_FEATURES_EMPHASIS_OF_FRAME
    s->frame[0] = before;
#endif
    advance(s);
    return completed;
}

size_t wav2small_tk_features_push(wav2small_tk_features_state *s, const int16_t *samples, size_t count, int8_t *rows) {
    size_t completed = 0;
    while (count > 0) {
        const uint32_t wanted = s->gap > 0 ? s->gap : WANTED - s->filled;
        const uint32_t taken = count < wanted ? (uint32_t)count : wanted;
        if (s->gap > 0) {
            s->gap -= taken;
        } else {
            WAV2SMALL_TK_COPY(&s->frame[WAV2SMALL_TK_FEATURES_BEFORE + s->filled], samples, taken * sizeof samples[0]);
            s->filled += taken;
        }
        samples += taken;
        count -= taken;
        if (s->filled == WANTED) {
            completed += complete(s, &rows[completed * WAV2SMALL_FEATURES_ROW_VALUES]);
        }
    }
    return completed;
}

#if WAV2SMALL_FEATURES_TAIL_SAMPLES > 0
/* Push what stands for sample `k` beyond the clip's end. */
static size_t push_beyond(wav2small_tk_features_state *s, uint32_t k, int8_t *row) {
    int16_t sample = 0;
#ifdef WAV2SMALL_FEATURES_MIRRORED
    /* Sample n + k of a clip of n is sample n - 2 - k; what none of its frames hears is left 0. */
    const int32_t mirrored = (int32_t)(WAV2SMALL_TK_FEATURES_BEFORE + s->filled) - 2 - 2 * (int32_t)k;
    if (mirrored >= 0) {
        sample = s->frame[mirrored];
    }
#endif
#ifdef WAV2SMALL_FEATURES_EMPHASIS_ENDS
    s->beyond = k + 1u;
#endif
    (void)k;
    return wav2small_tk_features_push(s, &sample, 1, row);
}
#endif

#if WAV2SMALL_FEATURES_END_STEPS > 0
size_t wav2small_tk_features_end(wav2small_tk_features_state *s, uint32_t k, int8_t *row) {
#if WAV2SMALL_FEATURES_TAIL_SAMPLES > 0
    if (k < WAV2SMALL_FEATURES_TAIL_SAMPLES) {
        return push_beyond(s, k, row);
    }
#endif
    (void)k;
#if WAV2SMALL_FEATURES_END_ROWS > 0
    return wav2small_tk_rows_repeat(&s->rows, row);
#else
    return 0;
#endif
}
#endif

#ifdef WAV2SMALL_FEATURES_NEEDS_CLIP
#if defined(WAV2SMALL_FEATURES_TOP_SHARE) || defined(WAV2SMALL_FEATURES_NORMALISED)
/* All rows of a clip, for what they leave behind. */
static void run_through(wav2small_tk_features_state *s, const int16_t *clip, size_t count) {
    int8_t rows[2 * WAV2SMALL_FEATURES_ROW_VALUES]; /* a hop completes one */
    size_t taken;
    for (size_t at = 0; at < count; at += taken) {
        taken = count - at < WAV2SMALL_FEATURES_HOP_SAMPLES ? count - at : WAV2SMALL_FEATURES_HOP_SAMPLES;
        (void)wav2small_tk_features_push(s, clip + at, taken, rows);
    }
#if WAV2SMALL_FEATURES_END_STEPS > 0
    for (uint32_t k = 0; k < WAV2SMALL_FEATURES_END_STEPS; k++) {
        (void)wav2small_tk_features_end(s, k, rows);
    }
#endif
}
#endif

void wav2small_tk_features_hear(wav2small_tk_features_state *s, const int16_t *clip, size_t count) {
#ifdef WAV2SMALL_FEATURES_LEVEL_CLIP
    wav2small_tk_level_measure(&s->front.level, clip, count);
#endif
#ifdef WAV2SMALL_FEATURES_TOP_SHARE
    run_through(s, clip, count);
    const wav2small_tk_top top = wav2small_tk_top_of(s->front.top);
    begin(s);
    s->front.top = top;
#endif
#ifdef WAV2SMALL_FEATURES_NORMALISED
    WAV2SMALL_TK_ZERO(&s->rows.normal, sizeof s->rows.normal);
    s->rows.normal.hears = 1;
    run_through(s, clip, count);
    wav2small_tk_normal_heard(&s->rows.normal);
    begin(s);
#endif
#if defined(WAV2SMALL_FEATURES_LEVEL_CLIP) && (defined(WAV2SMALL_FEATURES_TOP_SHARE) || defined(WAV2SMALL_FEATURES_NORMALISED))
    wav2small_tk_level_measure(&s->front.level, clip, count);
#endif
}
#endif
