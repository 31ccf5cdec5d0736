/* SPDX-License-Identifier: Apache-2.0 */
/* What recurrent layers share: vectors of int16, sums of their products, sigmoid and tanh.
 *
 * Vectors are filled up with zeros to a multiple of four values, so that kernels may take four at a
 * time.  A gate's argument has 12 fractional bits, what comes of it 15.
 */
#ifndef TK_RECURRENT_H
#define TK_RECURRENT_H

#include "tk_common.h"
#include "tk_compiler.h"

/* Brings a sum of products to 12 fractional bits. */
typedef int32_t (*tk_recurrent_scale)(int32_t sum, const int32_t *record);

/* By the record {bias, multiplier, rounding, left | right << 8}: double rounding, as TFLM does it
 * with sums of 32 bits; left is one more than the sum is shifted by, rounding half of 2^right (0
 * for 1). */
TK_INLINE int32_t tk_recurrent_shift(const int32_t *record) {
    return (record[3] & 0xFF) - 1 - (record[3] >> 8);
}

TK_INLINE int32_t tk_recurrent_rescale(int32_t sum, const int32_t *record) {
    return tk_requantize(sum, record[1], tk_recurrent_shift(record));
}

/* Adds to the sums of `rows` rows of weights (of one unit, 4 or 3) their products with x. */
typedef void (*tk_recurrent_multiply)(int32_t *sums, const int16_t *x, const int8_t *weights,
                                      int32_t values, int32_t rows);

/* Weights row by row. */
TK_INLINE void tk_recurrent_rows(int32_t *sums, const int16_t *x, const int8_t *weights,
                                 int32_t values, int32_t rows) {
    for (int32_t row = 0; row < rows; ++row) {
        int32_t sum = sums[row];
        for (int32_t i = 0; i < values; ++i) {
            sum += x[i] * *weights++;
        }
        sums[row] = sum;
    }
}

TK_INLINE int32_t tk_recurrent_filled(int32_t values) {
    return (values + 3) & ~3;
}

TK_INLINE int32_t tk_clip16(int32_t x) {
    return tk_clamp(x, -32768, 32767);
}

/* The sigmoid at magnitude / 2^bits / 24, `bits` + 16 fractional bits; the table has it less
 * 1/2. */
TK_INLINE int32_t tk_recurrent_between(int32_t magnitude, int32_t bits, const int16_t *table) {
    const int16_t *const at = table + (magnitude >> bits);
    const int32_t low = at[0] + 32768, step = at[1] - at[0];
    return (low << bits) + (magnitude & ((1 << bits) - 1)) * step;
}

/* 15 fractional bits, of an int16 with 12. */
TK_INLINE int32_t tk_sigmoid16(int32_t x, const int16_t *table) {
    const int32_t magnitude = 3 * (x < 0 ? -x : x);
    const int32_t value =
        magnitude >> 9 >= 255 ? 0x7FFF << 10 : tk_recurrent_between(magnitude, 9, table);
    return (x >= 0 ? value + (1 << 9) : (1 << 25) - value + (1 << 9) - 1) >> 10;
}

/* 15 fractional bits; x, rescaled, has 12 and is multiplied by 3. */
TK_INLINE int32_t tk_tanh16(int32_t x, int32_t multiplier, int32_t shift, const int16_t *table) {
    const int32_t scaled = (x * multiplier + (shift > 0 ? 1 << (shift - 1) : 0)) >> shift;
    const int32_t magnitude = scaled < 0 ? -scaled : scaled;
    const int32_t value =
        magnitude >> 8 >= 255 ? 0xFFFF << 8 : tk_recurrent_between(magnitude, 8, table);
    return (scaled >= 0 ? value - (1 << 23) + (1 << 7) : (1 << 23) - value + (1 << 7) - 1) >> 8;
}

/* Value i of an activation of `element_bytes` each. */
TK_INLINE int32_t tk_recurrent_get(const void *in, int32_t element_bytes, int32_t i) {
    return element_bytes == 2 ? ((const int16_t *)in)[i] : ((const int8_t *)in)[i];
}

TK_INLINE void tk_recurrent_put(void *out, int32_t element_bytes, int32_t i, int32_t value) {
    if (element_bytes == 2) {
        ((int16_t *)out)[i] = (int16_t)tk_clip16(value);
    } else {
        ((int8_t *)out)[i] = (int8_t)tk_clamp(value, -128, 127);
    }
}

/* The vector x of an activation. */
TK_INLINE void tk_recurrent_take(const void *in, int32_t element_bytes, int32_t values,
                                 int32_t zero_point, int16_t *x) {
    for (int32_t i = 0; i < values; ++i) {
        x[i] = (int16_t)(tk_recurrent_get(in, element_bytes, i) - zero_point);
    }
}

/* The row at `step` of `steps` (from the end where `reverse`) of the `outer`th of runs, of
 * `row_bytes` each. */
TK_INLINE ptrdiff_t tk_recurrent_row(int32_t outer, int32_t step, int32_t steps, int32_t reverse,
                                     int32_t row_bytes) {
    const int32_t at = reverse ? steps - 1 - step : step;
    return (ptrdiff_t)(outer * steps + at) * row_bytes;
}

#endif
