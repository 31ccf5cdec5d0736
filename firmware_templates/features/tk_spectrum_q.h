/* SPDX-License-Identifier: Apache-2.0 */
/* Mel energies of one frame in integers: window, real FFT, power or magnitude, mel bands. */
#ifndef TK_SPECTRUM_Q_H
#define TK_SPECTRUM_Q_H

#include "tk_fft_q.h"
#include "tk_level_q.h"

/* A real FFT of N samples is one complex FFT of N/2 points and a pass that untangles it. */
#define FEATURES_FFT_POINTS (FEATURES_FFT_SAMPLES / 2u)

/* Periodic Hann window in 2^-16, at most 65535; zeros from FEATURES_FRAME_SAMPLES on. */
extern const uint16_t tk_window[FEATURES_FFT_SAMPLES];
/* Twiddle factors of the FFT's radix-4 passes in their order of use, in 2^-31 (1 is 2^31 - 1): for
 * every k of a pass that combines spectra of L points, exp(-2 pi i k j / 4L) for j = 1, 2, 3. */
extern const tk_complex_q tk_twiddles[FEATURES_FFT_TWIDDLES];
/* exp(-2 pi i k / FEATURES_FFT_SAMPLES) for k = 1, 2, ...: what untangling takes. */
extern const tk_complex_q tk_roots[FEATURES_FFT_POINTS / 2u - 1u];

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

#endif
