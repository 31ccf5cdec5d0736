/* SPDX-License-Identifier: Apache-2.0 */
#include "features.h"
#include "tk_compiler.h"

#define POINTS FEATURES_FFT_POINTS
/* Points of the FFT's first pass; all others are of radix 4, or as tk_fft_mixed_q.h says. */
#define FIRST FEATURES_FFT_FIRST
/* Samples are scaled to less than 2^27, so that the sum of 8 complex ones fits. */
#define SAMPLE_BITS 27
/* Bits that powers, below 2^56, lose, so that their weighted sum fits 64. */
#define POWER_SHIFT 9

/* Stages are functions of their own: a profile shows them, and each has all registers. */
#define STAGE TK_NOINLINE static

#ifdef FEATURES_FFT_PASSES
#include "tk_fft_mixed_q.h"
#endif

/* value * fraction / 2^16, rounded down. */
static inline int32_t scale_q16(int32_t value, uint16_t fraction) {
#if defined(__ARM_ARCH_6M__)
    return (value >> 16) * fraction + (int32_t)(((uint32_t)value & 0xFFFFu) * fraction >> 16);
#else
    return (int32_t)((int64_t)value * fraction >> 16);
#endif
}

/* A sample less the mean, emphasised up to `end`, in 2^-TK_LEVEL_FRACTION of its unit. */
static inline int32_t centred(const tk_level *level, const int16_t *sample, const int16_t *end) {
#ifdef FEATURES_PRE_EMPHASIS
    return sample == end
               ? 0
               : tk_level_centred(level, sample[0]) -
                     scale_q16(tk_level_centred(level, sample[-1]), FEATURES_PRE_EMPHASIS);
#else
    (void)end;
    return tk_level_centred(level, sample[0]);
#endif
}

/* By how many bits the frame can go left; may be negative. */
STAGE int32_t headroom(const int16_t *frame, const tk_level *level) {
    const int16_t *const end = TK_FRAME_END(frame);
    uint32_t largest = 1;
    for (uint32_t n = 0; n < FEATURES_FRAME_SAMPLES; n++) {
        const int32_t sample = centred(level, &frame[n], end);
        largest |= (uint32_t)(sample < 0 ? -sample : sample);
    }
    return SAMPLE_BITS - 32 + tk_leading_zeros(largest);
}

static inline int32_t load(const tk_level *level, const int16_t *sample, const uint16_t *window,
                           int32_t shift, const int16_t *end) {
    const int32_t value = centred(level, sample, end);
    return scale_q16(shift >= 0 ? value * (1 << shift) : value >> -shift, *window);
}

/* First pass of the FFT, over pairs POINTS / FIRST apart, groups in digit-reversed order. */
STAGE void transform_pairs(const int16_t *frame, const tk_level *level, int32_t shift,
                           tk_complex_q *result) {
    const int16_t *const end = TK_FRAME_END(frame);
    const uint32_t groups = POINTS / FIRST;
    uint32_t n = 0;
    for (uint32_t group = 0; group < groups; group++) {
#ifdef FEATURES_FFT_PASSES
        n = tk_fft_order[group];
#endif
        tk_complex_q x[FIRST];
        for (uint32_t k = 0; k < FIRST; k++) {
            const uint32_t at = 2 * (n + k * groups);
            x[k].re = load(level, &frame[at], &tk_window[at], shift, end);
            x[k].im = load(level, &frame[at + 1], &tk_window[at + 1], shift, end);
        }
#if FEATURES_FFT_FIRST == 8
        tk_fft_8_q(x);
#elif FEATURES_FFT_FIRST == 4
        tk_fft_4_q(x);
#else
        tk_fft_2_q(x);
#endif
        for (uint32_t k = 0; k < FIRST; k++) {
            result[group * FIRST + k] = tk_complex_shift_q(x[k], FIRST == 8 ? 3 : FIRST / 2);
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
STAGE void combine_spectra(tk_complex_q *z) {
    tk_fft_combine_q(z);
}
#else
/* The other passes: four spectra of `length` points become one of 4 * length. */
STAGE void combine_spectra(tk_complex_q *z) {
    const tk_complex_q *twiddles = tk_twiddles;
    for (uint32_t length = FIRST; length < POINTS; length *= 4) {
        for (uint32_t k = 0; k < length; k++) {
            for (uint32_t i = k; i < POINTS; i += 4 * length) {
                tk_complex_q x[4] = {z[i]};
                for (uint32_t j = 1; j < 4; j++) {
                    x[j] = tk_complex_multiply_q(z[i + j * length], twiddles[j - 1]);
                }
                tk_fft_4_q(x);
                for (uint32_t j = 0; j < 4; j++) {
                    z[i + j * length] = tk_complex_shift_q(x[j], 2);
                }
            }
            twiddles += 3;
        }
    }
}
#endif

/* Power, or magnitude, of a bin; stored where the bin was. */
static inline void store_strength(tk_complex_q *bin, int32_t re, int32_t im) {
    const uint64_t power = (uint64_t)(tk_multiply_s32(re, re) + tk_multiply_s32(im, im));
#ifdef FEATURES_MAGNITUDE
    const tk_number root = tk_number_sqrt(tk_number_from(power, 0));
    const uint64_t strength = root.exponent >= 0 ? (uint64_t)root.mantissa << root.exponent
                                                 : root.mantissa >> -root.exponent;
#else
    const uint64_t strength = power >> POWER_SHIFT;
#endif
    bin->re = (int32_t)(uint32_t)strength;
    bin->im = (int32_t)(uint32_t)(strength >> 32);
}

/* From the complex FFT Z of even (real part) and odd (imaginary part) samples to the strength of
 * twice the real FFT, bins 0..POINTS, in place: X[k] = even + w^k odd,
 * X[POINTS - k] = conj(even - w^k odd), where even = Z[k] + conj Z[POINTS - k] and
 * odd = (Z[k] - conj Z[POINTS - k]) / i. */
STAGE void untangle(tk_complex_q *z) {
    const int32_t first = z[0].re + z[0].im;
    const int32_t last = z[0].re - z[0].im;
    for (uint32_t k = 1; k < POINTS / 2; k++) {
        const tk_complex_q low = z[k];
        const tk_complex_q high = z[POINTS - k];
        const tk_complex_q even = {low.re + high.re, low.im - high.im};
        const tk_complex_q odd = {low.im + high.im, high.re - low.re};
        const tk_complex_q turned = tk_complex_multiply_q(odd, tk_roots[k - 1]);
        store_strength(&z[k], even.re + turned.re, even.im + turned.im);
        store_strength(&z[POINTS - k], even.re - turned.re, even.im - turned.im);
    }
    store_strength(&z[POINTS / 2], 2 * z[POINTS / 2].re, 2 * z[POINTS / 2].im);
    store_strength(&z[0], 2 * first, 0);
    store_strength(&z[POINTS], 2 * last, 0);
}

#ifdef FEATURES_BANDS
STAGE void sum_bands(const tk_complex_q *spectrum, int32_t exponent, tk_number gain,
                     tk_number *energies) {
    const uint16_t *weight = tk_mel_weights;
    for (uint32_t m = 0; m < FEATURES_BANDS; m++) {
        const tk_complex_q *bin = &spectrum[tk_mel_bands[m].first_bin];
        uint64_t energy = 0;
        for (uint32_t k = tk_mel_bands[m].bins; k > 0; k--, bin++) {
            energy += tk_multiply_u32_u16((uint32_t)bin->re, *weight);
            energy += tk_multiply_u32_u16((uint32_t)bin->im, *weight++) << 32;
        }
        energies[m] = tk_number_multiply(tk_number_from(energy, exponent), gain);
    }
}
#endif

#ifdef FEATURES_REMOVE_DC
/* The level with the frame's own mean. */
static tk_level about_frame(const tk_level *level, const int16_t *frame) {
    tk_level own = *level;
    int32_t sum = 0;
    for (uint32_t n = 0; n < FEATURES_FRAME_SAMPLES; n++) {
        sum += frame[n];
    }
    const int32_t whole = sum / (int32_t)FEATURES_FRAME_SAMPLES;
    const int32_t rest = sum - whole * (int32_t)FEATURES_FRAME_SAMPLES;
    own.mean = whole * (1 << TK_LEVEL_FRACTION) +
               rest * (1 << TK_LEVEL_FRACTION) / (int32_t)FEATURES_FRAME_SAMPLES;
    return own;
}
#endif

/* The spectrum; returns the octaves from it to full scale 1. */
static inline int32_t transform(const int16_t *frame, const tk_level *level, tk_complex_q *work) {
#ifdef FEATURES_REMOVE_DC
    const tk_level own = about_frame(level, frame);
    level = &own;
#endif
    const int32_t shift = headroom(frame, level);
    transform_pairs(frame, level, shift, work);
    combine_spectra(work);
    untangle(work);
    /* Untangling doubled, the passes divided; samples have 15 and TK_LEVEL_FRACTION and `shift`
     * bits. */
    const int32_t amplitude = FEATURES_FFT_OCTAVES - 2 - 15 - TK_LEVEL_FRACTION - shift;
#ifdef FEATURES_MAGNITUDE
    return amplitude;
#else
    return 2 * amplitude + POWER_SHIFT;
#endif
}

#ifdef FEATURES_BANDS
void tk_mel_energies(const int16_t *frame, const tk_level *level, tk_complex_q *work,
                     tk_number *energies) {
    const int32_t octaves = transform(frame, level, work);
    sum_bands(work, octaves + FEATURES_MEL_EXPONENT, level->gain, energies);
}
#else
int32_t tk_bins(const int16_t *frame, const tk_level *level, tk_complex_q *work) {
    return transform(frame, level, work);
}
#endif

void tk_front_init(tk_front *front) {
    tk_level_init(&front->level);
#ifdef FEATURES_TOP_SHARE
    TK_ZERO(&front->top, sizeof front->top);
#endif
}
