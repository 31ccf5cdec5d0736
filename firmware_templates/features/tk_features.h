/* SPDX-License-Identifier: Apache-2.0 */
/* Streaming audio features: int16 samples in, int8 rows out.
 *
 * Included by the generated features.h, whose FEATURES_* macros give every size and constant and
 * whose features.c holds the tables.  It also includes the header of the kind of features, which
 * defines `tk_front`: what is made of a frame, and what is kept for that.  Float32 code is
 * compiled with -ffp-contract=off: then host and every target with IEEE-754 float32 give the same
 * bits.  No libm, no heap, no state but the struct.
 */
#ifndef TK_FEATURES_H
#define TK_FEATURES_H

#ifndef FEATURES_FRAME_SAMPLES
#error "include features.h, which includes this file"
#endif

#include <stddef.h>
#include <stdint.h>

#include "tk_value.h"

#ifdef FEATURES_WIDE_VALUES
#include "tk_rows.h"
#endif

/* Samples kept before a frame, and awaited after it. */
#ifdef FEATURES_EMPHASIS_ENDS
#define TK_FEATURES_BEFORE 2u /* the first is how many of the frame lie beyond the clip's end */
#elif defined(FEATURES_MIRRORED) || defined(FEATURES_PRE_EMPHASIS)
#define TK_FEATURES_BEFORE 1u
#else
#define TK_FEATURES_BEFORE 0u
#endif
#ifdef FEATURES_MIRRORED
#define TK_FEATURES_AHEAD 1u
#else
#define TK_FEATURES_AHEAD 0u
#endif

typedef struct tk_features_state {
    tk_front front;
    uint32_t filled; /* samples waiting in `frame` */
    uint32_t gap;    /* samples to leave out before the next frame */
#ifdef FEATURES_MIRRORED
    uint32_t begins; /* whether the first frame is still to come */
#endif
#ifdef FEATURES_EMPHASIS_ENDS
    uint32_t beyond; /* samples beyond the clip's end so far */
#endif
#ifdef FEATURES_WIDE_VALUES
    tk_rows rows;
#endif
    int16_t frame[FEATURES_BUFFER_SAMPLES]; /* the frame, then what the window makes zeros up to the
                                               FFT's length; TK_FEATURES_BEFORE samples before it */
} tk_features_state;

/* Begin a clip. */
void tk_features_init(tk_features_state *s);

/* Take `count` samples (any number) and write the rows they complete, FEATURES_ROW_VALUES int8
 * each, to `rows`, which must hold count / FEATURES_HOP_SAMPLES + 1 rows; returns their number. */
size_t tk_features_push(tk_features_state *s, const int16_t *samples, size_t count, int8_t *rows);

#ifdef FEATURES_NEEDS_CLIP
/* Hear a clip before its first sample is pushed: its level, its largest energy, its means. */
void tk_features_hear(tk_features_state *s, const int16_t *clip, size_t count);
#endif

/* Step `k` of the clip's end, k = 0, 1, ..: push what stands for sample `k` beyond it, then
 * complete the rows that wait for others; returns the number of rows completed, at most one. */
size_t tk_features_end(tk_features_state *s, uint32_t k, int8_t *row);

/* Rows for the model that `frames` more frames complete; and with the clip's end. */
static inline size_t tk_features_rows(const tk_features_state *s, size_t frames) {
#ifdef FEATURES_WIDE_VALUES
    return tk_rows_count(&s->rows, frames, 0);
#else
    (void)s;
    return frames;
#endif
}

static inline size_t tk_features_rows_to_end(const tk_features_state *s, size_t frames) {
#ifdef FEATURES_WIDE_VALUES
    return tk_rows_count(&s->rows, frames, 1);
#else
    (void)s;
    return frames;
#endif
}

/* Whether no frame was there yet, as far as rows wait for others. */
static inline int tk_features_fresh(const tk_features_state *s) {
#ifdef FEATURES_WIDE_VALUES
    return tk_rows_fresh(&s->rows);
#else
    (void)s;
    return 1;
#endif
}

/* What each kind of features defines: begin a clip; the row of the next frame. */
void tk_front_init(tk_front *front);
void tk_front_row(tk_front *front, const int16_t *frame, tk_value *row);

#endif
