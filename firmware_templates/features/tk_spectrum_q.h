/* SPDX-License-Identifier: Apache-2.0 */
/* Mel energies of one frame in integers: window, real FFT, power or magnitude, mel bands. */
#ifndef TK_SPECTRUM_Q_H
#define TK_SPECTRUM_Q_H

#include "tk_fft_q.h"
#include "tk_level_q.h"

#ifdef FEATURES_TOP_SHARE
#include "tk_top_q.h"
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

/* The window in 2^-16, at most 65535; zeros from FEATURES_FRAME_SAMPLES on. */
extern const uint16_t tk_window[FEATURES_FFT_SAMPLES];
/* Twiddle factors of the FFT's passes in their order of use, in 2^-31 (1 is 2^31 - 1): for every k
 * of a pass of radix r that combines spectra of L points, exp(-2 pi i k j / r L) for 0 < j < r. */
extern const tk_complex_q tk_twiddles[FEATURES_FFT_TWIDDLES];
/* exp(-2 pi i k / FEATURES_FFT_SAMPLES) for k = 1, 2, ...: what untangling takes. */
extern const tk_complex_q tk_roots[FEATURES_FFT_POINTS / 2u - 1u];

typedef struct tk_front {
    tk_complex_q work[FEATURES_FFT_POINTS + 1u]; /* scratch: nothing outlives a frame */
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

extern const tk_mel_band tk_mel_bands[FEATURES_BANDS];
/* Weights of all bands, one band after the other, in 2^FEATURES_MEL_EXPONENT. */
extern const uint16_t tk_mel_weights[FEATURES_MEL_WEIGHTS];

/* Mel energies of a frame of FEATURES_FFT_SAMPLES, the level's gain applied; `work` holds
 * FEATURES_FFT_POINTS + 1 numbers, `energies` FEATURES_BANDS. */
void tk_mel_energies(const int16_t *frame, const tk_level *level, tk_complex_q *work,
                     tk_number *energies);
#else
/* The spectrum of a frame of FEATURES_FFT_SAMPLES in `work`, FEATURES_FFT_POINTS + 1 bins for
 * tk_bin_strength; returns its exponent, which is that of the level's gain's unit. */
int32_t tk_bins(const int16_t *frame, const tk_level *level, tk_complex_q *work);

/* The strength of a bin, the level's gain not applied. */
static inline tk_number tk_bin_strength(tk_complex_q bin, int32_t exponent) {
    return tk_number_from((uint64_t)(uint32_t)bin.im << 32 | (uint32_t)bin.re, exponent);
}
#endif

#endif
