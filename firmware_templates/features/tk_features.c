/* SPDX-License-Identifier: Apache-2.0 */
#include "features.h"
#include "tk_compiler.h"

void tk_features_init(tk_features_state *s) {
    tk_front_init(&s->front);
    TK_ZERO(s->frame, sizeof s->frame);
    s->filled = FEATURES_PADDING_SAMPLES;
    s->gap = 0;
}

/* Keep what the next frame shares with this one. */
static void advance(tk_features_state *s) {
#if FEATURES_HOP_SAMPLES < FEATURES_FRAME_SAMPLES
    s->filled = FEATURES_FRAME_SAMPLES - FEATURES_HOP_SAMPLES;
    TK_MOVE(s->frame, s->frame + FEATURES_HOP_SAMPLES, s->filled * sizeof s->frame[0]);
#else
    s->filled = 0;
    s->gap = FEATURES_HOP_SAMPLES - FEATURES_FRAME_SAMPLES;
#endif
}

size_t tk_features_push(tk_features_state *s, const int16_t *samples, size_t count, int8_t *rows) {
    size_t completed = 0;
    while (count > 0) {
        const uint32_t wanted = s->gap > 0 ? s->gap : FEATURES_FRAME_SAMPLES - s->filled;
        const uint32_t taken = count < wanted ? (uint32_t)count : wanted;
        if (s->gap > 0) {
            s->gap -= taken;
        } else {
            TK_COPY(&s->frame[s->filled], samples, taken * sizeof samples[0]);
            s->filled += taken;
        }
        samples += taken;
        count -= taken;
        if (s->filled == FEATURES_FRAME_SAMPLES) {
            tk_front_row(&s->front, s->frame, &rows[completed * FEATURES_ROW_VALUES]);
            completed++;
            advance(s);
        }
    }
    return completed;
}
