/* SPDX-License-Identifier: Apache-2.0 */
/* Fixed-point arithmetic shared by all kernels: the TFLM reference kernels' rounding, bit for bit.
 *
 * A quantised multiplier is value = multiplier * 2^(shift - 31), multiplier in [2^30, 2^31).
 * Right shifts of negative values are arithmetic on every supported compiler.
 */
#ifndef TK_COMMON_H
#define TK_COMMON_H

#include <stddef.h>
#include <stdint.h>

/* Kernel height the windowed kernels can hold row pointers for. */
#define TK_MAX_KERNEL_ROWS 32

/* Whether the core multiplies to 64 bits; Armv6-M and Armv8-M Baseline have 32 bits alone. */
#if defined(__thumb__) && !defined(__thumb2__)
#define TK_LONG_PRODUCTS 0
#else
#define TK_LONG_PRODUCTS 1
#endif

#if TK_LONG_PRODUCTS
/* a * b / 2^31 to the nearest, ties up; a and b are not both INT32_MIN. */
static inline int32_t tk_368921da_high_mul_in_range(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);
}

/* a * b / 2^32 to the nearest, ties up. */
static inline int32_t tk_368921da_high_word(int32_t a, int32_t b) {
    const int64_t product = (int64_t)a * b;
    return (int32_t)(product >> 32) + (int32_t)((uint32_t)product >> 31);
}
/* The high word of a * b. */
static inline uint32_t tk_368921da_high_product(uint32_t a, uint32_t b) {
    return (uint32_t)(((uint64_t)a * b) >> 32);
}
#else
/* A product by halves: high * 2^32 + middle * 2^16, what is below left out. */
typedef struct {
    int32_t high;
    uint32_t middle;
} tk_368921da_halves;

static inline tk_368921da_halves tk_368921da_multiply_halves(int32_t a, int32_t b) {
    const uint32_t a_low = (uint32_t)a & 0xFFFFu, b_low = (uint32_t)b & 0xFFFFu;
    const int32_t a_high = a >> 16, b_high = b >> 16;
    const int32_t ab = a_high * (int32_t)b_low, ba = b_high * (int32_t)a_low;
    const tk_368921da_halves halves = {a_high * b_high + (ab >> 16) + (ba >> 16),
                              ((a_low * b_low) >> 16) + ((uint32_t)ab & 0xFFFFu) +
                                  ((uint32_t)ba & 0xFFFFu)};
    return halves;
}

/* a * b / 2^31 to the nearest, ties up; a and b are not both INT32_MIN. */
static inline int32_t tk_368921da_high_mul_in_range(int32_t a, int32_t b) {
    const tk_368921da_halves halves = tk_368921da_multiply_halves(a, b);
    return (int32_t)(((uint32_t)halves.high << 1) + ((halves.middle + 0x4000u) >> 15));
}

/* The high word of a * b, a below 2^31. */
static inline uint32_t tk_368921da_high_product(uint32_t a, uint32_t b) {
    const uint32_t a_low = a & 0xFFFFu, b_low = b & 0xFFFFu, a_high = a >> 16, b_high = b >> 16;
    const uint32_t middle = a_high * b_low + ((a_low * b_low) >> 16);
    const uint32_t other = a_low * b_high + (middle & 0xFFFFu);
    return a_high * b_high + (middle >> 16) + (other >> 16);
}

/* a * b / 2^32 to the nearest, ties up. */
static inline int32_t tk_368921da_high_word(int32_t a, int32_t b) {
    const tk_368921da_halves halves = tk_368921da_multiply_halves(a, b);
    return halves.high + (int32_t)((halves.middle + 0x8000u) >> 16);
}
#endif

/* Rounding doubling high multiply; saturates INT32_MIN * INT32_MIN. */
static inline int32_t tk_368921da_high_mul(int32_t a, int32_t b) {
    return a == INT32_MIN && b == INT32_MIN ? INT32_MAX : tk_368921da_high_mul_in_range(a, b);
}

/* Divide by 2^exponent (0..31), rounding to nearest, ties away from zero. */
static inline int32_t tk_368921da_divide_by_pot(int32_t x, int32_t exponent) {
    const int32_t mask = (int32_t)((1u << exponent) - 1u);
    const int32_t remainder = x & mask;
    const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

/* Double-rounding multiply of an int32 accumulator (8-bit activations). */
static inline int32_t tk_368921da_requantize(int32_t acc, int32_t multiplier, int32_t shift) {
    const int32_t left = shift > 0 ? shift : 0;
    const int32_t right = shift > 0 ? 0 : -shift;
    const int32_t shifted = (int32_t)((uint32_t)acc << left);
    return tk_368921da_divide_by_pot(tk_368921da_high_mul_in_range(shifted, multiplier), right);
}

/* Single-rounding multiply of an int64 accumulator, |acc| < 2^47 (16-bit activations). */
static inline int32_t tk_368921da_requantize_int64(int64_t acc, int32_t multiplier, int32_t shift) {
    const int32_t reduced =
        multiplier < 0x7FFF0000 ? (int32_t)(((int64_t)multiplier + 0x8000) >> 16) : 0x7FFF;
    const int32_t total_shift = 15 - shift;
    return (int32_t)((acc * reduced + (INT64_C(1) << (total_shift - 1))) >> total_shift);
}

/* The fused activation's limits. */
typedef struct {
    int32_t low, high;
} tk_368921da_limits;

/* Mean of count (at least 1) values from their sum, rounded to nearest, ties away from zero. */
static inline int32_t tk_368921da_rounded_mean(int32_t sum, int32_t count) {
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

/* Kernel taps begin..end-1 of a window that starts at x0 and lie inside 0..size-1. */
typedef struct {
    int32_t begin, end;
} tk_368921da_span;

static inline tk_368921da_span tk_368921da_taps_inside(int32_t x0, int32_t taps, int32_t dilation, int32_t size) {
    tk_368921da_span span = {0, taps};
    while (span.begin < taps && x0 + span.begin * dilation < 0) {
        ++span.begin;
    }
    while (span.end > span.begin && x0 + (span.end - 1) * dilation >= size) {
        --span.end;
    }
    return span;
}

/* Row y of `rows` rows of row_values values; NULL outside them, in the padding. */
static inline const int8_t *tk_368921da_row_s8(const int8_t *in, int32_t rows, int32_t row_values,
                                      int32_t y) {
    return y >= 0 && y < rows ? in + y * row_values : NULL;
}

static inline const int16_t *tk_368921da_row_s16(const int16_t *in, int32_t rows, int32_t row_values,
                                        int32_t y) {
    return y >= 0 && y < rows ? in + y * row_values : NULL;
}

static inline int32_t tk_368921da_clamp(int32_t x, int32_t low, int32_t high) {
    return x < low ? low : (x > high ? high : x);
}

#endif
