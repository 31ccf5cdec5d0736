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

typedef struct wav2small_tk_features_state {
    wav2small_tk_front front;
    uint32_t filled;                        /* samples waiting in `frame` */
    uint32_t gap;                           /* samples to leave out before the next frame */
    int16_t frame[WAV2SMALL_FEATURES_BUFFER_SAMPLES]; /* the frame, then zeros up to the FFT's length */
} wav2small_tk_features_state;

/* Begin a clip. */
void wav2small_tk_features_init(wav2small_tk_features_state *s);

/* Take `count` samples (any number) and write the rows they complete, WAV2SMALL_FEATURES_ROW_VALUES int8
 * each, to `rows`, which must hold count / WAV2SMALL_FEATURES_HOP_SAMPLES + 1 rows; returns their number. */
size_t wav2small_tk_features_push(wav2small_tk_features_state *s, const int16_t *samples, size_t count, int8_t *rows);

/* What each kind of features defines: begin a clip; the row of the next frame. */
void wav2small_tk_front_init(wav2small_tk_front *front);
void wav2small_tk_front_row(wav2small_tk_front *front, const int16_t *frame, int8_t *row);

#endif
