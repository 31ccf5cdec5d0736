/* SPDX-License-Identifier: Apache-2.0 */
/* Mel energies of one frame in float32: window, real FFT, power or magnitude, mel bands. */
#ifndef WAV2SMALL_TK_SPECTRUM_H
#define WAV2SMALL_TK_SPECTRUM_H

#include "wav2small_tk_fft.h"
#include "wav2small_tk_level.h"

/* A real FFT of N samples is one complex FFT of N/2 points and a pass that untangles it. */
#define WAV2SMALL_FEATURES_FFT_POINTS (WAV2SMALL_FEATURES_FFT_SAMPLES / 2u)

/* Periodic Hann window over twice full scale, 65536: the half that untangling needs is in it;
 * zeros from WAV2SMALL_FEATURES_FRAME_SAMPLES on. */
extern const float wav2small_tk_window[WAV2SMALL_FEATURES_FFT_SAMPLES];
/* Twiddle factors of the FFT's radix-4 passes in their order of use: for every k of a pass that
 * combines spectra of L points, exp(-2 pi i k j / 4L) for j = 1, 2, 3. */
extern const wav2small_tk_complex wav2small_tk_twiddles[WAV2SMALL_FEATURES_FFT_TWIDDLES];
/* exp(-2 pi i k / WAV2SMALL_FEATURES_FFT_SAMPLES) for k = 1, 2, ...: what untangling takes. */
extern const wav2small_tk_complex wav2small_tk_roots[WAV2SMALL_FEATURES_FFT_POINTS / 2u - 1u];

/* The FFT bins that one triangular mel band covers. */
typedef struct wav2small_tk_mel_band {
    uint16_t first_bin;
    uint16_t bins; /* 0: the band is narrower than the spacing of the bins and holds none */
} wav2small_tk_mel_band;

/* Mel energies from the spectrum; its bin k is spectrum[2 * k]. */
void wav2small_tk_mel_bands(const float *spectrum, float *energies);

/* Mel energies of a frame of WAV2SMALL_FEATURES_FFT_SAMPLES before the level's gain; `work` holds
 * WAV2SMALL_FEATURES_FFT_POINTS + 1 numbers, `energies` WAV2SMALL_FEATURES_BANDS. */
void wav2small_tk_mel_energies(const int16_t *frame, float mean, wav2small_tk_complex *work, float *energies);

#endif
