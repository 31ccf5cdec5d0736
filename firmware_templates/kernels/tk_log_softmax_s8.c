/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_log_softmax_s8.h"

#include "tk_newton.h"

/* Integer bits of the sum, fractional bits of a logarithm while it is computed, bits beyond the
 * output's. */
#define SUM_BITS 12
#define UNIT_BITS 25
#define DOWN 22

#define QUARTER (1 << (UNIT_BITS - 2))
#define ROOT_HALF 1518500250
#define FOURTH_ROOT_HALF 1805811301

static int32_t leading_zeros(int32_t x) {
    int32_t zeros = 0;
    while (((uint32_t)x << zeros & 0x80000000u) == 0) {
        ++zeros;
    }
    return zeros;
}

/* log(x) with 26 fractional bits, for x >= 1 with 19: x is r times a power of two, r taken once
 * below 1 and once below the root of 1/2, whichever is less; the rest is a quotient of polynomials.
 */
static int32_t logarithm(int32_t x) {
    const int32_t zeros = leading_zeros(x);
    const int32_t other_zeros = leading_zeros(tk_high_mul(x, ROOT_HALF)) - 1;
    const int32_t near_one = tk_shift_left(tk_high_mul(tk_shift_left(x, zeros - 1), ROOT_HALF), 1);
    const int32_t other = tk_shift_left(x, other_zeros);
    const int32_t one_power = (SUM_BITS - zeros) * (1 << UNIT_BITS) + QUARTER;
    const int32_t other_power = (SUM_BITS - other_zeros) * (1 << UNIT_BITS) - QUARTER;
    const int32_t power = one_power > other_power ? one_power : other_power;

    const int32_t r = near_one < other ? near_one : other;
    const int32_t half_sum = (int32_t)(((int64_t)r + FOURTH_ROOT_HALF + 1) / 2);
    const int32_t q = 2 * (r - FOURTH_ROOT_HALF);
    const int32_t square = tk_high_mul(q, q);
    const int32_t above = tk_high_mul(q, r) + tk_high_mul(tk_high_mul(q, square), 117049297);
    const int32_t inner = 1057819769 + q + tk_high_mul(square, 127690142);
    const int32_t below = tk_high_mul(half_sum, inner) + tk_high_mul(q, 638450708);
    const int32_t part = tk_high_mul(tk_divide_by_pot(above, 6), tk_one_over_one_plus_x(below));
    return tk_shift_left(tk_high_mul(power, 1488522236) + part, 1); /* log(2) */
}

static void log_softmax_row(const tk_log_softmax_s8_params *p, const int8_t *in, int8_t *out) {
    int32_t largest = in[0];
    for (int32_t i = 1; i < p->depth; ++i) {
        largest = in[i] > largest ? in[i] : largest;
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < p->depth; ++i) {
        sum += p->exp_table[largest - in[i]];
    }
    const int32_t log_sum = logarithm(sum);
    const int32_t room = tk_requantize(log_sum + INT32_MIN, p->back_multiplier, p->back_shift);
    const int32_t least = room + 1 > p->least ? room + 1 : p->least;
    for (int32_t i = 0; i < p->depth; ++i) {
        const int32_t difference = in[i] - largest;
        int32_t v = -128;
        if (difference >= least) {
            const int32_t real = tk_requantize(difference, p->multiplier, p->shift);
            v = tk_clamp(tk_divide_by_pot(real - log_sum, DOWN) + 127, -128, 127);
        }
        out[i] = (int8_t)v;
    }
}

void tk_log_softmax_s8(const tk_log_softmax_s8_params *p, const int8_t *in, int8_t *out) {
    for (int32_t row = 0; row < p->rows; ++row, in += p->depth, out += p->depth) {
        log_softmax_row(p, in, out);
    }
}
