/* Streaming log-mel features: int16 samples in, int8 rows out, float32 inside.
 *
 * Included by the generated features.h, whose FEATURES_* macros give every size and constant and
 * whose features.c holds the tables below.  Compile with -ffp-contract=off: then host and every
 * target with IEEE-754 float32 give the same bits.  No libm, no heap, no state but the struct.
 */
#ifndef TK_LOGMEL_H
#define TK_LOGMEL_H

#include <stddef.h>
#include <stdint.h>

#include "tk_fft.h"

#ifndef FEATURES_FRAME_SAMPLES
#error "include features.h, which includes this file"
#endif

/* A real FFT of N samples is one complex FFT of N/2 points and a pass that untangles it. */
#define FEATURES_FFT_POINTS (FEATURES_FRAME_SAMPLES / 2u)

/* Periodic Hann window over twice full scale, 65536: the half that untangling needs is in it. */
extern const float tk_logmel_window[FEATURES_FRAME_SAMPLES];
/* Twiddle factors of the FFT's radix-4 passes in their order of use: for every k of a pass that
 * combines spectra of L points, exp(-2 pi i k j / 4L) for j = 1, 2, 3. */
extern const tk_complex tk_logmel_twiddles[FEATURES_FFT_TWIDDLES];
/* exp(-2 pi i k / FEATURES_FRAME_SAMPLES) for k = 1, 2, ...: what untangling takes. */
extern const tk_complex tk_logmel_roots[FEATURES_FFT_POINTS / 2u - 1u];

/* Mel energies from the power at the FFT's bins; that of bin k is power[2 * k]. */
void tk_logmel_bands(const float *power, float *energies);

/* Where the int8 features change, as bits of float32 energies (which order as the numbers do):
 * a feature is FEATURES_LEAST plus the number of edges that its energy reaches.  An energy's
 * highest bits, counted from FEATURES_FIRST_BUCKET, name a bucket with at most one edge; how many
 * lie before it is in edges_before. */
extern const uint32_t tk_logmel_edges[FEATURES_EDGES + 1u]; /* the last one is out of reach */
extern const uint8_t tk_logmel_edges_before[FEATURES_BUCKETS];

typedef struct tk_logmel_state {
    /* Scratch: spectrum, then power; nothing outlives a push. */
    tk_complex work[FEATURES_FFT_POINTS + 1u];
    float mean;          /* subtracted from the samples, in samples' units */
    float inverse_level; /* one over the mean square divided by, full scale = 1 */
#ifdef FEATURES_LEVEL_RUNNING
    float mean_carry;     /* what `mean` lost to rounding */
    float variance;       /* running variance, in samples' units squared */
    float variance_carry; /* what `variance` lost to rounding */
    uint32_t warm_frames; /* frames seen, up to FEATURES_WARMUP_FRAMES */
#endif
    uint32_t filled; /* samples waiting in `frame` */
    int16_t frame[FEATURES_FRAME_SAMPLES];
} tk_logmel_state;

void tk_logmel_init(tk_logmel_state *s);

/* Take `count` samples (any number) and write the rows they complete, FEATURES_ROW_VALUES int8
 * each, to `rows`, which must hold count / FEATURES_HOP_SAMPLES + 1 rows; returns their number. */
size_t tk_logmel_push(tk_logmel_state *s, const int16_t *samples, size_t count, int8_t *rows);

#ifdef FEATURES_LEVEL_CLIP
/* Measure the level of the whole clip ; call between init and the first push. */
void tk_logmel_set_level(tk_logmel_state *s, const int16_t *clip, size_t count);
#endif

#endif
