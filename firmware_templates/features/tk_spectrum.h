/* SPDX-License-Identifier: Apache-2.0 */
/* Mel energies of one frame in float32: window, real FFT, power or magnitude, mel bands. */
#ifndef TK_SPECTRUM_H
#define TK_SPECTRUM_H

#include "tk_fft.h"
#include "tk_level.h"

#ifdef FEATURES_TOP_SHARE
#include "tk_top.h"
/* An energy, no further below the clip's largest than it may be. */
#define TK_LIMITED(front, energy) tk_top_limited(&(front)->top, energy)
#else
#define TK_LIMITED(front, energy) (energy)
#endif

/* A real FFT of N samples is one complex FFT of N/2 points and a pass that untangles it. */
#define FEATURES_FFT_POINTS (FEATURES_FFT_SAMPLES / 2u)

/* The first sample beyond the clip's end, where emphasis ends too. */
#ifdef FEATURES_EMPHASIS_ENDS
#define TK_FRAME_END(frame) ((frame) + FEATURES_FRAME_SAMPLES - (frame)[-2])
#else
#define TK_FRAME_END(frame) ((void)(frame), (const int16_t *)0)
#endif

/* The window over twice full scale, 65536: the half that untangling needs is in it; zeros from
 * FEATURES_FRAME_SAMPLES on. */
extern const float tk_window[FEATURES_FFT_SAMPLES];
/* Twiddle factors of the FFT's passes in their order of use: for every k of a pass of radix r that
 * combines spectra of L points, exp(-2 pi i k j / r L) for 0 < j < r. */
extern const tk_complex tk_twiddles[FEATURES_FFT_TWIDDLES];
/* exp(-2 pi i k / FEATURES_FFT_SAMPLES) for k = 1, 2, ...: what untangling takes. */
extern const tk_complex tk_roots[FEATURES_FFT_POINTS / 2u - 1u];

typedef struct tk_front {
    tk_complex work[FEATURES_FFT_POINTS + 1u]; /* scratch: nothing outlives a frame */
    tk_level level;
#ifdef FEATURES_TOP_SHARE
    tk_top top;
#endif
} tk_front;

#ifdef FEATURES_BANDS
/* The FFT bins that one triangular mel band covers. */
typedef struct tk_mel_band {
    uint16_t first_bin;
    uint16_t bins; /* 0: the band is narrower than the spacing of the bins and holds none */
} tk_mel_band;

/* Mel energies from the spectrum; its bin k is spectrum[2 * k]. */
void tk_mel_bands(const float *spectrum, float *energies);

/* Mel energies of a frame of FEATURES_FFT_SAMPLES before the level's gain; `work` holds
 * FEATURES_FFT_POINTS + 1 numbers, `energies` FEATURES_BANDS. */
void tk_mel_energies(const int16_t *frame, float mean, tk_complex *work, float *energies);
#else
/* The strength of every bin of a frame of FEATURES_FFT_SAMPLES before the level's gain, bin k in
 * work[k].re, k up to FEATURES_FFT_POINTS. */
void tk_bins(const int16_t *frame, float mean, tk_complex *work);
#endif

#endif
