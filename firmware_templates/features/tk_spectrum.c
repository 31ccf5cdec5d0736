/* SPDX-License-Identifier: Apache-2.0 */
#include "features.h"
#include "tk_compiler.h"

#ifdef FEATURES_MAGNITUDE
#include "tk_sqrt.h"
#endif

#define POINTS FEATURES_FFT_POINTS
/* Points of the FFT's first pass; all others are of radix 4, or as tk_fft_mixed.h says. */
#define FIRST FEATURES_FFT_FIRST

/* Stages are functions of their own: a profile shows them, and each has all registers. */
#define STAGE TK_NOINLINE static

#ifdef FEATURES_FFT_PASSES
#include "tk_fft_mixed.h"
#endif

/* A sample less the mean, emphasised; nothing is from `end` on. */
static inline float load(const int16_t *sample, float mean, const int16_t *end) {
#ifdef FEATURES_PRE_EMPHASIS
    return sample == end
               ? 0.0F
               : ((float)sample[0] - mean) - FEATURES_PRE_EMPHASIS * ((float)sample[-1] - mean);
#else
    (void)end;
    return (float)sample[0] - mean;
#endif
}

/* Two samples, windowed, as one complex number. */
static inline tk_complex load_pair(const int16_t *samples, const float *window, float mean,
                                   const int16_t *end) {
    const tk_complex pair = {load(&samples[0], mean, end) * window[0],
                             load(&samples[1], mean, end) * window[1]};
    return pair;
}

/* First pass of the FFT, over pairs POINTS / FIRST apart, groups in digit-reversed order. */
STAGE void transform_pairs(const int16_t *frame, float mean, tk_complex *result) {
    const int16_t *const end = TK_FRAME_END(frame);
    const uint32_t groups = POINTS / FIRST;
    uint32_t n = 0;
    for (uint32_t group = 0; group < groups; group++) {
#ifdef FEATURES_FFT_PASSES
        n = tk_fft_order[group];
#endif
        const int16_t *samples = &frame[2 * n];
        const float *window = &tk_window[2 * n];
        tk_complex x[FIRST];
        for (uint32_t k = 0; k < FIRST; k++) {
            x[k] = load_pair(&samples[2 * k * groups], &window[2 * k * groups], mean, end);
        }
#if FEATURES_FFT_FIRST == 8
        tk_fft_8(x);
#elif FEATURES_FFT_FIRST == 4
        tk_fft_4(x);
#else
        tk_fft_2(x);
#endif
        for (uint32_t k = 0; k < FIRST; k++) {
            result[group * FIRST + k] = x[k];
        }
#ifndef FEATURES_FFT_PASSES
        uint32_t digit = groups / 4;
        while (digit > 0 && (n & (3 * digit)) == 3 * digit) {
            n -= 3 * digit;
            digit /= 4;
        }
        n += digit;
#endif
    }
}

#ifdef FEATURES_FFT_PASSES
STAGE void combine_spectra(tk_complex *z) {
    tk_fft_combine(z);
}
#else
/* The other passes: four spectra of `length` points become one of 4 * length. */
STAGE void combine_spectra(tk_complex *z) {
    const tk_complex *twiddles = tk_twiddles;
    for (uint32_t length = FIRST; length < POINTS; length *= 4) {
        for (uint32_t k = 0; k < length; k++) {
            for (uint32_t i = k; i < POINTS; i += 4 * length) {
                tk_complex x[4] = {z[i]};
                for (uint32_t j = 1; j < 4; j++) {
                    x[j] = tk_complex_multiply(z[i + j * length], twiddles[j - 1]);
                }
                tk_fft_4(x);
                for (uint32_t j = 0; j < 4; j++) {
                    z[i + j * length] = x[j];
                }
            }
            twiddles += 3;
        }
    }
}
#endif

/* Power, or magnitude, of `scale` times a number. */
static inline float strength(float scale, float re, float im) {
    const float power = scale * scale * (re * re + im * im);
#ifdef FEATURES_MAGNITUDE
    return tk_sqrt(power);
#else
    return power;
#endif
}

/* From the complex FFT Z of even (real part) and odd (imaginary part) samples, halved, to the
 * strength of the real FFT, bins 0..POINTS, in the real parts: X[k] = even + w^k odd,
 * X[POINTS - k] = conj(even - w^k odd), where even = Z[k] + conj Z[POINTS - k] and
 * odd = (Z[k] - conj Z[POINTS - k]) / i. */
STAGE void untangle(tk_complex *z) {
    const float first = z[0].re + z[0].im;
    const float last = z[0].re - z[0].im;
    for (uint32_t k = 1; k < POINTS / 2; k++) {
        const tk_complex low = z[k];
        const tk_complex high = z[POINTS - k];
        const tk_complex even = {low.re + high.re, low.im - high.im};
        const tk_complex odd = {low.im + high.im, high.re - low.re};
        const tk_complex turned = tk_complex_multiply(odd, tk_roots[k - 1]);
        z[k].re = strength(1.0F, even.re + turned.re, even.im + turned.im);
        z[POINTS - k].re = strength(1.0F, even.re - turned.re, even.im - turned.im);
    }
    z[POINTS / 2].re = strength(2.0F, z[POINTS / 2].re, z[POINTS / 2].im);
    z[0].re = strength(2.0F, first, 0.0F);
    z[POINTS].re = strength(2.0F, last, 0.0F);
}

#ifdef FEATURES_REMOVE_DC
static float frame_mean(const int16_t *frame) {
    int32_t sum = 0;
    for (uint32_t n = 0; n < FEATURES_FRAME_SAMPLES; n++) {
        sum += frame[n];
    }
    const int32_t whole = sum / (int32_t)FEATURES_FRAME_SAMPLES;
    const int32_t rest = sum - whole * (int32_t)FEATURES_FRAME_SAMPLES;
    return (float)whole + (float)rest / (float)FEATURES_FRAME_SAMPLES;
}
#endif

static inline void transform(const int16_t *frame, float mean, tk_complex *work) {
#ifdef FEATURES_REMOVE_DC
    mean = frame_mean(frame);
#endif
    transform_pairs(frame, mean, work);
    combine_spectra(work);
    untangle(work);
}

#ifdef FEATURES_BANDS
void tk_mel_energies(const int16_t *frame, float mean, tk_complex *work, float *energies) {
    transform(frame, mean, work);
    tk_mel_bands(&work[0].re, energies);
}
#else
void tk_bins(const int16_t *frame, float mean, tk_complex *work) {
    transform(frame, mean, work);
}
#endif

void tk_front_init(tk_front *front) {
    tk_level_init(&front->level);
#ifdef FEATURES_TOP_SHARE
    TK_ZERO(&front->top, sizeof front->top);
#endif
}
