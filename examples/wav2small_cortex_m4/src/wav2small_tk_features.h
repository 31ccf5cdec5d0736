/* SPDX-License-Identifier: Apache-2.0 */
/* Streaming audio features: int16 samples in, int8 rows out.
 *
 * Included by the generated wav2small_features.h, whose FEATURES_* macros give every size and constant and
 * whose wav2small_features.c holds the tables.  It also includes the header of the kind of features, which
 * defines `wav2small_tk_front`: what is made of a frame, and what is kept for that.  Float32 code is
 * compiled with -ffp-contract=off: then host and every target with IEEE-754 float32 give the same
 * bits.  No libm, no heap, no state but the struct.
 */
#ifndef WAV2SMALL_TK_FEATURES_H
#define WAV2SMALL_TK_FEATURES_H

#ifndef WAV2SMALL_FEATURES_FRAME_SAMPLES
#error "include wav2small_features.h, which includes this file"
#endif

#include <stddef.h>
#include <stdint.h>

#include "wav2small_tk_value.h"

#ifdef WAV2SMALL_FEATURES_WIDE_VALUES
#include "wav2small_tk_rows.h"
#endif

/* Samples kept before a frame, and awaited after it. */
#ifdef WAV2SMALL_FEATURES_EMPHASIS_ENDS
#define WAV2SMALL_TK_FEATURES_BEFORE 2u /* the first is how many of the frame lie beyond the clip's end */
#elif defined(WAV2SMALL_FEATURES_MIRRORED) || defined(WAV2SMALL_FEATURES_PRE_EMPHASIS)
#define WAV2SMALL_TK_FEATURES_BEFORE 1u
#else
#define WAV2SMALL_TK_FEATURES_BEFORE 0u
#endif
#ifdef WAV2SMALL_FEATURES_MIRRORED
#define WAV2SMALL_TK_FEATURES_AHEAD 1u
#else
#define WAV2SMALL_TK_FEATURES_AHEAD 0u
#endif

typedef struct wav2small_tk_features_state {
    wav2small_tk_front front;
    uint32_t filled; /* samples waiting in `frame` */
    uint32_t gap;    /* samples to leave out before the next frame */
#ifdef WAV2SMALL_FEATURES_MIRRORED
    uint32_t begins; /* whether the first frame is still to come */
#endif
#ifdef WAV2SMALL_FEATURES_EMPHASIS_ENDS
    uint32_t beyond; /* samples beyond the clip's end so far */
#endif
#ifdef WAV2SMALL_FEATURES_WIDE_VALUES
    wav2small_tk_rows rows;
#endif
    int16_t frame[WAV2SMALL_FEATURES_BUFFER_SAMPLES]; /* the frame, then what the window makes zeros up to the
                                               FFT's length; WAV2SMALL_TK_FEATURES_BEFORE samples before it */
} wav2small_tk_features_state;

/* Begin a clip. */
void wav2small_tk_features_init(wav2small_tk_features_state *s);

/* Take `count` samples (any number) and write the rows they complete, WAV2SMALL_FEATURES_ROW_VALUES int8
 * each, to `rows`, which must hold count / WAV2SMALL_FEATURES_HOP_SAMPLES + 1 rows; returns their number. */
size_t wav2small_tk_features_push(wav2small_tk_features_state *s, const int16_t *samples, size_t count, int8_t *rows);

#ifdef WAV2SMALL_FEATURES_NEEDS_CLIP
/* Hear a clip before its first sample is pushed: its level, its largest energy, its means. */
void wav2small_tk_features_hear(wav2small_tk_features_state *s, const int16_t *clip, size_t count);
#endif

/* Step `k` of the clip's end, k = 0, 1, ..: push what stands for sample `k` beyond it, then
 * complete the rows that wait for others; returns the number of rows completed, at most one. */
size_t wav2small_tk_features_end(wav2small_tk_features_state *s, uint32_t k, int8_t *row);

/* Rows for the model that `frames` more frames complete; and with the clip's end. */
static inline size_t wav2small_tk_features_rows(const wav2small_tk_features_state *s, size_t frames) {
#ifdef WAV2SMALL_FEATURES_WIDE_VALUES
    return wav2small_tk_rows_count(&s->rows, frames, 0);
#else
    (void)s;
    return frames;
#endif
}

static inline size_t wav2small_tk_features_rows_to_end(const wav2small_tk_features_state *s, size_t frames) {
#ifdef WAV2SMALL_FEATURES_WIDE_VALUES
    return wav2small_tk_rows_count(&s->rows, frames, 1);
#else
    (void)s;
    return frames;
#endif
}

/* Whether no frame was there yet, as far as rows wait for others. */
static inline int wav2small_tk_features_fresh(const wav2small_tk_features_state *s) {
#ifdef WAV2SMALL_FEATURES_WIDE_VALUES
    return wav2small_tk_rows_fresh(&s->rows);
#else
    (void)s;
    return 1;
#endif
}

/* What each kind of features defines: begin a clip; the row of the next frame. */
void wav2small_tk_front_init(wav2small_tk_front *front);
void wav2small_tk_front_row(wav2small_tk_front *front, const int16_t *frame, wav2small_tk_value *row);

#endif
