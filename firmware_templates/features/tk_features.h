/* Streaming audio features: int16 samples in, int8 rows out.
 *
 * Included by the generated features.h, whose FEATURES_* macros give every size and constant and
 * whose features.c holds the tables.  Float32 code is compiled with -ffp-contract=off: then host
 * and every target with IEEE-754 float32 give the same bits.  No libm, no heap, no state but the
 * struct.
 */
#ifndef TK_FEATURES_H
#define TK_FEATURES_H

#ifndef FEATURES_FRAME_SAMPLES
#error "include features.h, which includes this file"
#endif

#include "tk_level.h"

#ifdef FEATURES_FFT_SAMPLES
#include "tk_spectrum.h"
#define FEATURES_BUFFER_SAMPLES FEATURES_FFT_SAMPLES
#else
#define FEATURES_BUFFER_SAMPLES FEATURES_FRAME_SAMPLES
#endif

typedef struct tk_features_state {
#ifdef FEATURES_FFT_SAMPLES
    tk_complex work[FEATURES_FFT_SAMPLES / 2u + 1u]; /* scratch: nothing outlives a push */
#endif
    tk_level level;
    uint32_t filled;                        /* samples waiting in `frame` */
    uint32_t gap;                           /* samples to leave out before the next frame */
    int16_t frame[FEATURES_BUFFER_SAMPLES]; /* the frame, then zeros up to the FFT's length */
} tk_features_state;

/* Begin a clip. */
void tk_features_init(tk_features_state *s);

/* Take `count` samples (any number) and write the rows they complete, FEATURES_ROW_VALUES int8
 * each, to `rows`, which must hold count / FEATURES_HOP_SAMPLES + 1 rows; returns their number. */
size_t tk_features_push(tk_features_state *s, const int16_t *samples, size_t count, int8_t *rows);

/* One row of the frame in `s`: what each kind of features defines. */
void tk_features_row(tk_features_state *s, int8_t *row);

#endif
