/* SPDX-License-Identifier: Apache-2.0 */
/* Mel energies of one frame in float32: window, real FFT, power or magnitude, mel bands. */
#ifndef WAV2SMALL_TK_SPECTRUM_H
#define WAV2SMALL_TK_SPECTRUM_H

#include "wav2small_tk_fft.h"
#include "wav2small_tk_level.h"

#ifdef WAV2SMALL_FEATURES_TOP_SHARE
#include "wav2small_tk_top.h"
/* An energy, no further below the clip's largest than it may be. */
#define WAV2SMALL_TK_LIMITED(front, energy) wav2small_tk_top_limited(&(front)->top, energy)
#else
#define WAV2SMALL_TK_LIMITED(front, energy) (energy)
#endif

/* A real FFT of N samples is one complex FFT of N/2 points and a pass that untangles it. */
#define WAV2SMALL_FEATURES_FFT_POINTS (WAV2SMALL_FEATURES_FFT_SAMPLES / 2u)

/* The first sample beyond the clip's end, where emphasis ends too. */
#ifdef WAV2SMALL_FEATURES_EMPHASIS_ENDS
#define WAV2SMALL_TK_FRAME_END(frame) ((frame) + WAV2SMALL_FEATURES_FRAME_SAMPLES - (frame)[-2])
#else
#define WAV2SMALL_TK_FRAME_END(frame) ((void)(frame), (const int16_t *)0)
#endif

/* The window over twice full scale, 65536: the half that untangling needs is in it; zeros from
 * WAV2SMALL_FEATURES_FRAME_SAMPLES on. */
extern const float wav2small_tk_window[WAV2SMALL_FEATURES_FFT_SAMPLES];
/* Twiddle factors of the FFT's passes in their order of use: for every k of a pass of radix r that
 * combines spectra of L points, exp(-2 pi i k j / r L) for 0 < j < r. */
extern const wav2small_tk_complex wav2small_tk_twiddles[WAV2SMALL_FEATURES_FFT_TWIDDLES];
/* exp(-2 pi i k / WAV2SMALL_FEATURES_FFT_SAMPLES) for k = 1, 2, ...: what untangling takes. */
extern const wav2small_tk_complex wav2small_tk_roots[WAV2SMALL_FEATURES_FFT_POINTS / 2u - 1u];

typedef struct wav2small_tk_front {
    wav2small_tk_complex work[WAV2SMALL_FEATURES_FFT_POINTS + 1u]; /* scratch: nothing outlives a frame */
    wav2small_tk_level level;
#ifdef WAV2SMALL_FEATURES_TOP_SHARE
    wav2small_tk_top top;
#endif
} wav2small_tk_front;

#ifdef WAV2SMALL_FEATURES_BANDS
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
#else
/* The strength of every bin of a frame of WAV2SMALL_FEATURES_FFT_SAMPLES before the level's gain, bin k in
 * work[k].re, k up to WAV2SMALL_FEATURES_FFT_POINTS. */
void wav2small_tk_bins(const int16_t *frame, float mean, wav2small_tk_complex *work);
#endif

#endif
