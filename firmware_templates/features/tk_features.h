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

typedef struct tk_features_state {
    tk_front front;
    uint32_t filled;                        /* samples waiting in `frame` */
    uint32_t gap;                           /* samples to leave out before the next frame */
    int16_t frame[FEATURES_BUFFER_SAMPLES]; /* the frame, then zeros up to the FFT's length */
} tk_features_state;

/* Begin a clip. */
void tk_features_init(tk_features_state *s);

/* Take `count` samples (any number) and write the rows they complete, FEATURES_ROW_VALUES int8
 * each, to `rows`, which must hold count / FEATURES_HOP_SAMPLES + 1 rows; returns their number. */
size_t tk_features_push(tk_features_state *s, const int16_t *samples, size_t count, int8_t *rows);

/* What each kind of features defines: begin a clip; the row of the next frame. */
void tk_front_init(tk_front *front);
void tk_front_row(tk_front *front, const int16_t *frame, int8_t *row);

#endif
