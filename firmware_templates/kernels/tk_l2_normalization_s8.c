/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_l2_normalization_s8.h"

/* Fractional bits of the output. */
#define OUTPUT_BITS 7

/* A quantised multiplier. */
typedef struct {
    int32_t multiplier, shift;
} scale;

/* x, which lies in range, times 2^bits. */
static int32_t shift_left(int32_t x, int32_t bits) {
    return (int32_t)((uint32_t)x << bits);
}

/* 1 / sqrt(x), of 0 as of 1: x is brought to [2^27, 2^29) by a power of 4, then five Newton-Raphson
 * steps with 28 fractional bits, from 1. */
static scale inverse_root(int32_t x) {
    if (x <= 1) {
        return (scale){INT32_MAX, 0};
    }
    int32_t right = 11;
    while (x >= 1 << 29) {
        x >>= 2;
        ++right;
    }
    while (x < 1 << 27) {
        x <<= 2;
        --right;
    }
    const int32_t half = tk_divide_by_pot(x >> 1, 1);
    int32_t root = 1 << 28;
    for (int32_t step = 0; step < 5; ++step) {
        const int32_t cube = shift_left(tk_high_mul(tk_high_mul(root, root), root), 6);
        const int32_t grown = tk_high_mul((1 << 28) + (1 << 27), root);
        root = shift_left(grown - tk_high_mul(half, cube), 3);
    }
    root = tk_high_mul(root, 1518500250); /* sqrt(1/2) */
    return right < 0 ? (scale){shift_left(root, -right), 0} : (scale){root, -right};
}

void tk_l2_normalization_s8(const tk_l2_normalization_s8_params *p, const int8_t *in, int8_t *out) {
    for (int32_t row = 0; row < p->rows; ++row, in += p->depth, out += p->depth) {
        int32_t squares = 0;
        for (int32_t i = 0; i < p->depth; ++i) {
            const int32_t x = in[i] - p->in_zero_point;
            squares += x * x;
        }
        const scale inverse = inverse_root(squares);
        for (int32_t i = 0; i < p->depth; ++i) {
            const int32_t x = in[i] - p->in_zero_point;
            const int32_t v = tk_requantize(x, inverse.multiplier, inverse.shift + OUTPUT_BITS);
            out[i] = (int8_t)tk_clamp(v, -128, 127);
        }
    }
}
