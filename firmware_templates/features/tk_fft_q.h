/* SPDX-License-Identifier: Apache-2.0 */
/* Complex FFT steps of radix 4 and 8 in 32-bit integers, decimation in time; each divides by its
 * radix, with rounding, so that numbers do not grow. */
#ifndef TK_FFT_Q_H
#define TK_FFT_Q_H

#include "tk_multiply_q.h"

typedef struct tk_complex_q {
    int32_t re;
    int32_t im;
} tk_complex_q;

/* value * fraction / 2^31, rounded down; `fraction` in 2^-31. */
static inline int32_t tk_scale_q31(int32_t value, int32_t fraction) {
    return (int32_t)(tk_multiply_s32(value, fraction) >> 31);
}

static inline tk_complex_q tk_complex_add_q(tk_complex_q a, tk_complex_q b) {
    const tk_complex_q sum = {a.re + b.re, a.im + b.im};
    return sum;
}

static inline tk_complex_q tk_complex_subtract_q(tk_complex_q a, tk_complex_q b) {
    const tk_complex_q difference = {a.re - b.re, a.im - b.im};
    return difference;
}

/* `root` in 2^-31; one product rounded for each part. */
static inline tk_complex_q tk_complex_multiply_q(tk_complex_q a, tk_complex_q root) {
    const int64_t half = INT64_C(1) << 30;
    const tk_complex_q product = {
        (int32_t)((tk_multiply_s32(a.re, root.re) - tk_multiply_s32(a.im, root.im) + half) >> 31),
        (int32_t)((tk_multiply_s32(a.re, root.im) + tk_multiply_s32(a.im, root.re) + half) >> 31),
    };
    return product;
}

/* -i times `a`. */
static inline tk_complex_q tk_complex_turn_q(tk_complex_q a) {
    const tk_complex_q turned = {a.im, -a.re};
    return turned;
}

/* `a` / 2^shift, rounded. */
static inline tk_complex_q tk_complex_shift_q(tk_complex_q a, int32_t shift) {
    const int32_t half = 1 << (shift - 1);
    const tk_complex_q shifted = {(a.re + half) >> shift, (a.im + half) >> shift};
    return shifted;
}

/* The Fourier transform of 2 numbers, in place, not divided. */
static inline void tk_fft_2_q(tk_complex_q *x) {
    const tk_complex_q sum = tk_complex_add_q(x[0], x[1]);
    x[1] = tk_complex_subtract_q(x[0], x[1]);
    x[0] = sum;
}

/* The Fourier transform of 4 numbers below 2^28, in place, not divided. */
static inline void tk_fft_4_q(tk_complex_q *x) {
    const tk_complex_q sum_even = tk_complex_add_q(x[0], x[2]);
    const tk_complex_q sum_odd = tk_complex_add_q(x[1], x[3]);
    const tk_complex_q difference_even = tk_complex_subtract_q(x[0], x[2]);
    const tk_complex_q difference_odd = tk_complex_turn_q(tk_complex_subtract_q(x[1], x[3]));
    x[0] = tk_complex_add_q(sum_even, sum_odd);
    x[1] = tk_complex_add_q(difference_even, difference_odd);
    x[2] = tk_complex_subtract_q(sum_even, sum_odd);
    x[3] = tk_complex_subtract_q(difference_even, difference_odd);
}

/* The Fourier transform of 8 numbers below 2^27.5 in magnitude, in place, not divided. */
static inline void tk_fft_8_q(tk_complex_q *x) {
    const int32_t half_root = 1518500250; /* sqrt(1/2) */
    tk_complex_q even[4] = {x[0], x[2], x[4], x[6]};
    tk_complex_q odd[4] = {x[1], x[3], x[5], x[7]};
    tk_fft_4_q(even);
    tk_fft_4_q(odd);
    const tk_complex_q turned_1 = {tk_scale_q31(odd[1].re + odd[1].im, half_root),
                                   tk_scale_q31(odd[1].im - odd[1].re, half_root)};
    const tk_complex_q turned_3 = {tk_scale_q31(odd[3].im - odd[3].re, half_root),
                                   -tk_scale_q31(odd[3].re + odd[3].im, half_root)};
    odd[1] = turned_1;
    odd[2] = tk_complex_turn_q(odd[2]);
    odd[3] = turned_3;
    for (uint32_t k = 0; k < 4; k++) {
        x[k] = tk_complex_add_q(even[k], odd[k]);
        x[k + 4] = tk_complex_subtract_q(even[k], odd[k]);
    }
}

#endif
