/* SPDX-License-Identifier: Apache-2.0 */
/* Passes of a complex float32 FFT whose points are no power of two: of radix 2, 3, 4 and 5,
 * decimation in time.  As exact everywhere as tk_fft.h. */
#ifndef TK_FFT_MIXED_H
#define TK_FFT_MIXED_H

#include "tk_fft.h"

/* Radices of the passes after the first, and by group of that the first of its points. */
extern const uint8_t tk_fft_radices[FEATURES_FFT_PASSES];
extern const uint16_t tk_fft_order[FEATURES_FFT_POINTS / FEATURES_FFT_FIRST];

static inline tk_complex tk_complex_scale(tk_complex a, float factor) {
    const tk_complex scaled = {a.re * factor, a.im * factor};
    return scaled;
}

/* The Fourier transform of 3 numbers, in place. */
static inline void tk_fft_3(tk_complex *x) {
    const tk_complex sum = tk_complex_add(x[1], x[2]);
    const tk_complex middle = tk_complex_subtract(x[0], tk_complex_scale(sum, 0.5F));
    const tk_complex turned =
        tk_complex_turn(tk_complex_scale(tk_complex_subtract(x[1], x[2]), 0.8660254F));
    x[0] = tk_complex_add(x[0], sum);
    x[1] = tk_complex_add(middle, turned);
    x[2] = tk_complex_subtract(middle, turned);
}

/* The Fourier transform of 5 numbers, in place. */
static inline void tk_fft_5(tk_complex *x) {
    const float cos_1 = 0.30901699F, cos_2 = -0.80901699F; /* of 2 pi / 5 and twice that */
    const float sin_1 = 0.95105652F, sin_2 = 0.58778525F;
    const tk_complex sum_1 = tk_complex_add(x[1], x[4]), sum_2 = tk_complex_add(x[2], x[3]);
    const tk_complex apart_1 = tk_complex_subtract(x[1], x[4]);
    const tk_complex apart_2 = tk_complex_subtract(x[2], x[3]);
    const tk_complex even_1 = {x[0].re + sum_1.re * cos_1 + sum_2.re * cos_2,
                               x[0].im + sum_1.im * cos_1 + sum_2.im * cos_2};
    const tk_complex even_2 = {x[0].re + sum_1.re * cos_2 + sum_2.re * cos_1,
                               x[0].im + sum_1.im * cos_2 + sum_2.im * cos_1};
    const tk_complex odd_1 = {apart_1.im * sin_1 + apart_2.im * sin_2,
                              -apart_1.re * sin_1 - apart_2.re * sin_2};
    const tk_complex odd_2 = {apart_1.im * sin_2 - apart_2.im * sin_1,
                              apart_2.re * sin_1 - apart_1.re * sin_2};
    x[0] = tk_complex_add(x[0], tk_complex_add(sum_1, sum_2));
    x[1] = tk_complex_add(even_1, odd_1);
    x[2] = tk_complex_add(even_2, odd_2);
    x[3] = tk_complex_subtract(even_2, odd_2);
    x[4] = tk_complex_subtract(even_1, odd_1);
}

/* One pass: `radix` spectra of `length` points become one; returns the next pass's factors. */
static inline const tk_complex *tk_fft_pass(tk_complex *z, uint32_t length, uint32_t radix,
                                            const tk_complex *twiddles) {
    for (uint32_t k = 0; k < length; k++) {
        for (uint32_t i = k; i < FEATURES_FFT_POINTS; i += radix * length) {
            tk_complex x[5] = {z[i]};
            for (uint32_t j = 1; j < radix; j++) {
                x[j] = tk_complex_multiply(z[i + j * length], twiddles[j - 1]);
            }
            if (radix == 5) {
                tk_fft_5(x);
            } else if (radix == 4) {
                tk_fft_4(x);
            } else if (radix == 3) {
                tk_fft_3(x);
            } else {
                tk_fft_2(x);
            }
            for (uint32_t j = 0; j < radix; j++) {
                z[i + j * length] = x[j];
            }
        }
        twiddles += radix - 1;
    }
    return twiddles;
}

/* All passes but the first. */
static inline void tk_fft_combine(tk_complex *z) {
    const tk_complex *twiddles = tk_twiddles;
    uint32_t length = FEATURES_FFT_FIRST;
    for (uint32_t pass = 0; pass < FEATURES_FFT_PASSES; pass++) {
        const uint32_t radix = tk_fft_radices[pass];
        switch (radix) { /* constants, so that each becomes code of its own */
        case 5:
            twiddles = tk_fft_pass(z, length, 5, twiddles);
            break;
        case 4:
            twiddles = tk_fft_pass(z, length, 4, twiddles);
            break;
        case 3:
            twiddles = tk_fft_pass(z, length, 3, twiddles);
            break;
        default:
            twiddles = tk_fft_pass(z, length, 2, twiddles);
            break;
        }
        length *= radix;
    }
}

#endif
