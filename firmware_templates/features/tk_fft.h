/* SPDX-License-Identifier: Apache-2.0 */
/* Complex float32 FFT steps of radix 4 and 8, decimation in time.
 *
 * Inlined where they are used, with sizes known to the compiler.  Compile with -ffp-contract=off:
 * then every IEEE-754 float32 target and compiler gives the same bits.
 */
#ifndef TK_FFT_H
#define TK_FFT_H

#include <stdint.h>

typedef struct tk_complex {
    float re;
    float im;
} tk_complex;

static inline tk_complex tk_complex_add(tk_complex a, tk_complex b) {
    const tk_complex sum = {a.re + b.re, a.im + b.im};
    return sum;
}

static inline tk_complex tk_complex_subtract(tk_complex a, tk_complex b) {
    const tk_complex difference = {a.re - b.re, a.im - b.im};
    return difference;
}

static inline tk_complex tk_complex_multiply(tk_complex a, tk_complex b) {
    const tk_complex product = {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    return product;
}

/* -i times `a`. */
static inline tk_complex tk_complex_turn(tk_complex a) {
    const tk_complex turned = {a.im, -a.re};
    return turned;
}

/* The Fourier transform of 2 numbers, in place. */
static inline void tk_fft_2(tk_complex *x) {
    const tk_complex sum = tk_complex_add(x[0], x[1]);
    x[1] = tk_complex_subtract(x[0], x[1]);
    x[0] = sum;
}

/* The Fourier transform of 4 numbers, in place. */
static inline void tk_fft_4(tk_complex *x) {
    const tk_complex sum_even = tk_complex_add(x[0], x[2]);
    const tk_complex sum_odd = tk_complex_add(x[1], x[3]);
    const tk_complex difference_even = tk_complex_subtract(x[0], x[2]);
    const tk_complex difference_odd = tk_complex_turn(tk_complex_subtract(x[1], x[3]));
    x[0] = tk_complex_add(sum_even, sum_odd);
    x[1] = tk_complex_add(difference_even, difference_odd);
    x[2] = tk_complex_subtract(sum_even, sum_odd);
    x[3] = tk_complex_subtract(difference_even, difference_odd);
}

/* The Fourier transform of 8 numbers, in place. */
static inline void tk_fft_8(tk_complex *x) {
    const float half_root = 0.70710678F;
    tk_complex even[4] = {x[0], x[2], x[4], x[6]};
    tk_complex odd[4] = {x[1], x[3], x[5], x[7]};
    tk_fft_4(even);
    tk_fft_4(odd);
    const tk_complex turned_1 = {(odd[1].re + odd[1].im) * half_root,
                                 (odd[1].im - odd[1].re) * half_root};
    const tk_complex turned_3 = {(odd[3].im - odd[3].re) * half_root,
                                 (odd[3].re + odd[3].im) * -half_root};
    odd[1] = turned_1;
    odd[2] = tk_complex_turn(odd[2]);
    odd[3] = turned_3;
    for (uint32_t k = 0; k < 4; k++) {
        x[k] = tk_complex_add(even[k], odd[k]);
        x[k + 4] = tk_complex_subtract(even[k], odd[k]);
    }
}

#endif
