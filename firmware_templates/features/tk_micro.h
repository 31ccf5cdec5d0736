/* SPDX-License-Identifier: Apache-2.0 */
/* TensorFlow's and TFLM's integer audio front-end ("micro_frontend"), bit for bit.
 *
 * Window, int16 FFT, energy, mel channels, square root, noise reduction, gain control (PCAN) and
 * logarithm; no floating point.
 */
#ifndef TK_MICRO_H
#define TK_MICRO_H

#include <stddef.h>
#include <stdint.h>

#define FEATURES_FFT_POINTS (FEATURES_FFT_SAMPLES / 2u)

typedef struct tk_micro_complex {
    int16_t re;
    int16_t im;
} tk_micro_complex;

/* The FFT bins that one channel covers. */
typedef struct tk_micro_channel {
    uint16_t first_bin;
    uint16_t bins;
} tk_micro_channel;

typedef struct tk_front {
    tk_micro_complex spectrum[FEATURES_FFT_POINTS + 1u]; /* scratch */
    uint32_t noise[FEATURES_BANDS];                      /* estimates */
} tk_front;

/* Hann window in 1/4096. */
extern const int16_t tk_micro_window[FEATURES_FRAME_SAMPLES];
/* Twiddle factors in 1/32767 in their order of use: for every k of a pass that combines spectra of
 * L points, exp(-2 pi i k j / 4L) for j = 1, 2, 3. */
extern const tk_micro_complex tk_micro_twiddles[FEATURES_FFT_TWIDDLES];
/* exp(-pi i (k / FEATURES_FFT_POINTS + 1/2)) in 1/32767 for k = 1, 2, ...: for untangling. */
extern const tk_micro_complex tk_micro_roots[FEATURES_FFT_POINTS / 2u];
extern const tk_micro_channel tk_micro_channels[FEATURES_BANDS];
/* Weights of all channels in 1/4096, one channel after the other. */
extern const uint16_t tk_micro_weights[FEATURES_MICRO_WEIGHTS];
#ifdef FEATURES_MICRO_GAIN_SHIFT
/* Gain at noise 0 and 1; then for every octave of the noise its value at the start, two
 * coefficients of a quadratic in the fraction of the octave, and a 0. */
extern const int32_t tk_micro_gains[2 + 4 * 31];
#endif
/* log2(1 + n / 128) - n / 128 in 1/65536. */
extern const uint16_t tk_micro_logarithms[129];

#endif
