/* SPDX-License-Identifier: Apache-2.0 */
#include "wav2small_features.h"
#include "wav2small_tk_compiler.h"

#ifdef WAV2SMALL_FEATURES_MAGNITUDE
#include "wav2small_tk_sqrt.h"
#endif

#define POINTS WAV2SMALL_FEATURES_FFT_POINTS
/* Points of the FFT's first pass; all others are of radix 4, or as wav2small_tk_fft_mixed.h says. */
#define FIRST WAV2SMALL_FEATURES_FFT_FIRST

/* Stages are functions of their own: a profile shows them, and each has all registers. */
#define STAGE WAV2SMALL_TK_NOINLINE static

#ifdef WAV2SMALL_FEATURES_FFT_PASSES
#include "wav2small_tk_fft_mixed.h"
#endif

/* A sample less the mean, emphasised; nothing is from `end` on. */
static inline float load(const int16_t *sample, float mean, const int16_t *end) {
#ifdef WAV2SMALL_FEATURES_PRE_EMPHASIS
    return sample == end
               ? 0.0F
               : ((float)sample[0] - mean) - WAV2SMALL_FEATURES_PRE_EMPHASIS * ((float)sample[-1] - mean);
#else
    (void)end;
    return (float)sample[0] - mean;
#endif
}

/* Two samples, windowed, as one complex number. */
static inline wav2small_tk_complex load_pair(const int16_t *samples, const float *window, float mean,
                                   const int16_t *end) {
    const wav2small_tk_complex pair = {load(&samples[0], mean, end) * window[0],
                             load(&samples[1], mean, end) * window[1]};
    return pair;
}

/* First pass of the FFT, over pairs POINTS / FIRST apart, groups in digit-reversed order. */
STAGE void transform_pairs(const int16_t *frame, float mean, wav2small_tk_complex *result) {
    const int16_t *const end = WAV2SMALL_TK_FRAME_END(frame);
    const uint32_t groups = POINTS / FIRST;
    uint32_t n = 0;
    for (uint32_t group = 0; group < groups; group++) {
#ifdef WAV2SMALL_FEATURES_FFT_PASSES
        n = wav2small_tk_fft_order[group];
#endif
        const int16_t *samples = &frame[2 * n];
        const float *window = &wav2small_tk_window[2 * n];
        wav2small_tk_complex x[FIRST];
        for (uint32_t k = 0; k < FIRST; k++) {
            x[k] = load_pair(&samples[2 * k * groups], &window[2 * k * groups], mean, end);
        }
#if WAV2SMALL_FEATURES_FFT_FIRST == 8
        wav2small_tk_fft_8(x);
#elif WAV2SMALL_FEATURES_FFT_FIRST == 4
        wav2small_tk_fft_4(x);
#else
        wav2small_tk_fft_2(x);
#endif
        for (uint32_t k = 0; k < FIRST; k++) {
            result[group * FIRST + k] = x[k];
        }
#ifndef WAV2SMALL_FEATURES_FFT_PASSES
        uint32_t digit = groups / 4;
        while (digit > 0 && (n & (3 * digit)) == 3 * digit) {
            n -= 3 * digit;
            digit /= 4;
        }
        n += digit;
#endif
    }
}

#ifdef WAV2SMALL_FEATURES_FFT_PASSES
STAGE void combine_spectra(wav2small_tk_complex *z) {
    wav2small_tk_fft_combine(z);
}
#else
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
#endif

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

#ifdef WAV2SMALL_FEATURES_REMOVE_DC
static float frame_mean(const int16_t *frame) {
    int32_t sum = 0;
    for (uint32_t n = 0; n < WAV2SMALL_FEATURES_FRAME_SAMPLES; n++) {
        sum += frame[n];
    }
    const int32_t whole = sum / (int32_t)WAV2SMALL_FEATURES_FRAME_SAMPLES;
    const int32_t rest = sum - whole * (int32_t)WAV2SMALL_FEATURES_FRAME_SAMPLES;
    return (float)whole + (float)rest / (float)WAV2SMALL_FEATURES_FRAME_SAMPLES;
}
#endif

static inline void transform(const int16_t *frame, float mean, wav2small_tk_complex *work) {
#ifdef WAV2SMALL_FEATURES_REMOVE_DC
    mean = frame_mean(frame);
#endif
    transform_pairs(frame, mean, work);
    combine_spectra(work);
    untangle(work);
}

#ifdef WAV2SMALL_FEATURES_BANDS
void wav2small_tk_mel_energies(const int16_t *frame, float mean, wav2small_tk_complex *work, float *energies) {
    transform(frame, mean, work);
    wav2small_tk_mel_bands(&work[0].re, energies);
}
#else
void wav2small_tk_bins(const int16_t *frame, float mean, wav2small_tk_complex *work) {
    transform(frame, mean, work);
}
#endif

void wav2small_tk_front_init(wav2small_tk_front *front) {
    wav2small_tk_level_init(&front->level);
#ifdef WAV2SMALL_FEATURES_TOP_SHARE
    WAV2SMALL_TK_ZERO(&front->top, sizeof front->top);
#endif
}
