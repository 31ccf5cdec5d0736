/* SPDX-License-Identifier: Apache-2.0 */
#include "wav2small_features.h"
#include "wav2small_tk_compiler.h"

void wav2small_tk_features_init(wav2small_tk_features_state *s) {
    wav2small_tk_front_init(&s->front);
    WAV2SMALL_TK_ZERO(s->frame, sizeof s->frame);
    s->filled = WAV2SMALL_FEATURES_PADDING_SAMPLES;
    s->gap = 0;
}

/* Keep what the next frame shares with this one. */
static void advance(wav2small_tk_features_state *s) {
#if WAV2SMALL_FEATURES_HOP_SAMPLES < WAV2SMALL_FEATURES_FRAME_SAMPLES
    s->filled = WAV2SMALL_FEATURES_FRAME_SAMPLES - WAV2SMALL_FEATURES_HOP_SAMPLES;
    WAV2SMALL_TK_MOVE(s->frame, s->frame + WAV2SMALL_FEATURES_HOP_SAMPLES, s->filled * sizeof s->frame[0]);
#else
    s->filled = 0;
    s->gap = WAV2SMALL_FEATURES_HOP_SAMPLES - WAV2SMALL_FEATURES_FRAME_SAMPLES;
#endif
}

size_t wav2small_tk_features_push(wav2small_tk_features_state *s, const int16_t *samples, size_t count, int8_t *rows) {
    size_t completed = 0;
    while (count > 0) {
        const uint32_t wanted = s->gap > 0 ? s->gap : WAV2SMALL_FEATURES_FRAME_SAMPLES - s->filled;
        const uint32_t taken = count < wanted ? (uint32_t)count : wanted;
        if (s->gap > 0) {
            s->gap -= taken;
        } else {
            WAV2SMALL_TK_COPY(&s->frame[s->filled], samples, taken * sizeof samples[0]);
            s->filled += taken;
        }
        samples += taken;
        count -= taken;
        if (s->filled == WAV2SMALL_FEATURES_FRAME_SAMPLES) {
            wav2small_tk_front_row(&s->front, s->frame, &rows[completed * WAV2SMALL_FEATURES_ROW_VALUES]);
            completed++;
            advance(s);
        }
    }
    return completed;
}
