/* SPDX-License-Identifier: Apache-2.0 */
/* Passes of a complex FFT in 32-bit integers whose points are no power of two: of radix 2, 3, 4 and
 * 5, decimation in time; they divide by 2, 4, 4 and 8. */
#ifndef TK_FFT_MIXED_Q_H
#define TK_FFT_MIXED_Q_H

#include "tk_fft_q.h"

/* Radices of the passes after the first, and by group of that the first of its points. */
extern const uint8_t tk_fft_radices[FEATURES_FFT_PASSES];
extern const uint16_t tk_fft_order[FEATURES_FFT_POINTS / FEATURES_FFT_FIRST];

/* a * p + b * q, the factors in 2^-31. */
static inline int32_t tk_weighted_q(int32_t a, int32_t p, int32_t b, int32_t q) {
    return (int32_t)((tk_multiply_s32(a, p) + tk_multiply_s32(b, q)) >> 31);
}

/* The Fourier transform of 3 numbers below 2^28, in place, not divided. */
static inline void tk_fft_3_q(tk_complex_q *x) {
    const int32_t sine = 1859775393; /* sqrt(3) / 2 */
    const tk_complex_q sum = tk_complex_add_q(x[1], x[2]);
    const tk_complex_q apart = tk_complex_subtract_q(x[1], x[2]);
    const tk_complex_q middle = {x[0].re - (sum.re >> 1), x[0].im - (sum.im >> 1)};
    const tk_complex_q turned = {tk_scale_q31(apart.im, sine), -tk_scale_q31(apart.re, sine)};
    x[0] = tk_complex_add_q(x[0], sum);
    x[1] = tk_complex_add_q(middle, turned);
    x[2] = tk_complex_subtract_q(middle, turned);
}

/* The Fourier transform of 5 numbers below 2^28, in place, not divided. */
static inline void tk_fft_5_q(tk_complex_q *x) {
    const int32_t cos_1 = 663608942, cos_2 = -1737350766; /* of 2 pi / 5 and twice that */
    const int32_t sin_1 = 2042378317, sin_2 = 1262259218;
    const tk_complex_q sum_1 = tk_complex_add_q(x[1], x[4]), sum_2 = tk_complex_add_q(x[2], x[3]);
    const tk_complex_q apart_1 = tk_complex_subtract_q(x[1], x[4]);
    const tk_complex_q apart_2 = tk_complex_subtract_q(x[2], x[3]);
    const tk_complex_q even_1 = {x[0].re + tk_weighted_q(sum_1.re, cos_1, sum_2.re, cos_2),
                                 x[0].im + tk_weighted_q(sum_1.im, cos_1, sum_2.im, cos_2)};
    const tk_complex_q even_2 = {x[0].re + tk_weighted_q(sum_1.re, cos_2, sum_2.re, cos_1),
                                 x[0].im + tk_weighted_q(sum_1.im, cos_2, sum_2.im, cos_1)};
    const tk_complex_q odd_1 = {tk_weighted_q(apart_1.im, sin_1, apart_2.im, sin_2),
                                -tk_weighted_q(apart_1.re, sin_1, apart_2.re, sin_2)};
    const tk_complex_q odd_2 = {tk_weighted_q(apart_1.im, sin_2, apart_2.im, -sin_1),
                                tk_weighted_q(apart_2.re, sin_1, apart_1.re, -sin_2)};
    x[0] = tk_complex_add_q(x[0], tk_complex_add_q(sum_1, sum_2));
    x[1] = tk_complex_add_q(even_1, odd_1);
    x[2] = tk_complex_add_q(even_2, odd_2);
    x[3] = tk_complex_subtract_q(even_2, odd_2);
    x[4] = tk_complex_subtract_q(even_1, odd_1);
}

/* One pass: `radix` spectra of `length` points become one, over 2^shift; returns the next pass's
 * factors. */
static inline const tk_complex_q *tk_fft_pass_q(tk_complex_q *z, uint32_t length, uint32_t radix,
                                                int32_t shift, const tk_complex_q *twiddles) {
    for (uint32_t k = 0; k < length; k++) {
        for (uint32_t i = k; i < FEATURES_FFT_POINTS; i += radix * length) {
            tk_complex_q x[5] = {z[i]};
            for (uint32_t j = 1; j < radix; j++) {
                x[j] = tk_complex_multiply_q(z[i + j * length], twiddles[j - 1]);
            }
            if (radix == 5) {
                tk_fft_5_q(x);
            } else if (radix == 4) {
                tk_fft_4_q(x);
            } else if (radix == 3) {
                tk_fft_3_q(x);
            } else {
                tk_fft_2_q(x);
            }
            for (uint32_t j = 0; j < radix; j++) {
                z[i + j * length] = tk_complex_shift_q(x[j], shift);
            }
        }
        twiddles += radix - 1;
    }
    return twiddles;
}

/* All passes but the first. */
static inline void tk_fft_combine_q(tk_complex_q *z) {
    const tk_complex_q *twiddles = tk_twiddles;
    uint32_t length = FEATURES_FFT_FIRST;
    for (uint32_t pass = 0; pass < FEATURES_FFT_PASSES; pass++) {
        const uint32_t radix = tk_fft_radices[pass];
        switch (radix) { /* constants, so that each becomes code of its own */
        case 5:
            twiddles = tk_fft_pass_q(z, length, 5, 3, twiddles);
            break;
        case 4:
            twiddles = tk_fft_pass_q(z, length, 4, 2, twiddles);
            break;
        case 3:
            twiddles = tk_fft_pass_q(z, length, 3, 2, twiddles);
            break;
        default:
            twiddles = tk_fft_pass_q(z, length, 2, 1, twiddles);
            break;
        }
        length *= radix;
    }
}

#endif
