/* SPDX-License-Identifier: Apache-2.0 */
#include "wav2small_features.h"
#include "wav2small_tk_compiler.h"

#ifdef WAV2SMALL_FEATURES_MAGNITUDE
#include "wav2small_tk_sqrt.h"
#endif

#define POINTS WAV2SMALL_FEATURES_FFT_POINTS
/* Points of the FFT's first pass; all others are of radix 4. */
#define FIRST WAV2SMALL_FEATURES_FFT_FIRST

/* Stages are functions of their own: a profile shows them, and each has all registers. */
#define STAGE WAV2SMALL_TK_NOINLINE static

/* Two samples, windowed, as one complex number. */
static inline wav2small_tk_complex load_pair(const int16_t *samples, const float *window, float mean) {
    const wav2small_tk_complex pair = {((float)samples[0] - mean) * window[0],
                             ((float)samples[1] - mean) * window[1]};
    return pair;
}

/* First pass of the FFT, over pairs POINTS / FIRST apart, groups in base-4 digit-reversed order. */
STAGE void transform_pairs(const int16_t *frame, float mean, wav2small_tk_complex *result) {
    const uint32_t groups = POINTS / FIRST;
    uint32_t n = 0;
    for (uint32_t group = 0; group < groups; group++) {
        const int16_t *samples = &frame[2 * n];
        const float *window = &wav2small_tk_window[2 * n];
        wav2small_tk_complex x[FIRST];
        for (uint32_t k = 0; k < FIRST; k++) {
            x[k] = load_pair(&samples[2 * k * groups], &window[2 * k * groups], mean);
        }
#if WAV2SMALL_FEATURES_FFT_FIRST == 8
        wav2small_tk_fft_8(x);
#else
        wav2small_tk_fft_4(x);
#endif
        for (uint32_t k = 0; k < FIRST; k++) {
            result[group * FIRST + k] = x[k];
        }
        uint32_t digit = groups / 4;
        while (digit > 0 && (n & (3 * digit)) == 3 * digit) {
            n -= 3 * digit;
            digit /= 4;
        }
        n += digit;
    }
}

/* The other passes: four spectra of `length` points become one of 4 * length. */
STAGE void combine_spectra(wav2small_tk_complex *z) {
    const wav2small_tk_complex *twiddles = wav2small_tk_twiddles;
    for (uint32_t length = FIRST; length < POINTS; length *= 4) {
        for (uint32_t k = 0; k < length; k++) {
            for (uint32_t i = k; i < POINTS; i += 4 * length) {
                wav2small_tk_complex x[4] = {z[i]};
                for (uint32_t j = 1; j < 4; j++) {
                    x[j] = wav2small_tk_complex_multiply(z[i + j * length], twiddles[j - 1]);
                }
                wav2small_tk_fft_4(x);
                for (uint32_t j = 0; j < 4; j++) {
                    z[i + j * length] = x[j];
                }
            }
            twiddles += 3;
        }
    }
}

/* Power, or magnitude, of `scale` times a number. */
static inline float strength(float scale, float re, float im) {
    const float power = scale * scale * (re * re + im * im);
#ifdef WAV2SMALL_FEATURES_MAGNITUDE
    return wav2small_tk_sqrt(power);
#else
    return power;
#endif
}

/* From the complex FFT Z of even (real part) and odd (imaginary part) samples, halved, to the
 * strength of the real FFT, bins 0..POINTS, in the real parts: X[k] = even + w^k odd,
 * X[POINTS - k] = conj(even - w^k odd), where even = Z[k] + conj Z[POINTS - k] and
 * odd = (Z[k] - conj Z[POINTS - k]) / i. */
STAGE void untangle(wav2small_tk_complex *z) {
    const float first = z[0].re + z[0].im;
    const float last = z[0].re - z[0].im;
    for (uint32_t k = 1; k < POINTS / 2; k++) {
        const wav2small_tk_complex low = z[k];
        const wav2small_tk_complex high = z[POINTS - k];
        const wav2small_tk_complex even = {low.re + high.re, low.im - high.im};
        const wav2small_tk_complex odd = {low.im + high.im, high.re - low.re};
        const wav2small_tk_complex turned = wav2small_tk_complex_multiply(odd, wav2small_tk_roots[k - 1]);
        z[k].re = strength(1.0F, even.re + turned.re, even.im + turned.im);
        z[POINTS - k].re = strength(1.0F, even.re - turned.re, even.im - turned.im);
    }
    z[POINTS / 2].re = strength(2.0F, z[POINTS / 2].re, z[POINTS / 2].im);
    z[0].re = strength(2.0F, first, 0.0F);
    z[POINTS].re = strength(2.0F, last, 0.0F);
}

void wav2small_tk_mel_energies(const int16_t *frame, float mean, wav2small_tk_complex *work, float *energies) {
    transform_pairs(frame, mean, work);
    combine_spectra(work);
    untangle(work);
    wav2small_tk_mel_bands(&work[0].re, energies);
}
