/* SPDX-License-Identifier: Apache-2.0 */
#include "features.h"
#include "tk_compiler.h"

#ifdef FEATURES_KEPT
#ifdef FEATURES_VALUES_FIXED
#include "tk_multiply_q.h"
#include "tk_number_q.h"
#include "tk_quantise_q.h"
#else
#include "tk_quantise.h"
#include "tk_sqrt.h"
#endif
#endif

void tk_rows_begin(tk_rows *rows) {
#ifdef FEATURES_DELTAS
    rows->heard = 0;
#endif
#ifdef FEATURES_STACK
    rows->due = FEATURES_STACK;
#endif
    (void)rows;
}

#ifdef FEATURES_NORMALISED
#ifdef FEATURES_VALUES_FIXED

/* Bits that values lose before they are squared: sums of 60 s of cepstra then fit 64. */
#define LOST_BITS 2

static inline int64_t load_64(const uint32_t *words) {
    return (int64_t)((uint64_t)words[1] << 32 | words[0]);
}

static inline void store_64(uint32_t *words, int64_t value) {
    words[0] = (uint32_t)(uint64_t)value;
    words[1] = (uint32_t)((uint64_t)value >> 32);
}

/* About the first value, so that what hardly changes costs no precision. */
static void hear(tk_normal *normal, const tk_value *values) {
    for (uint32_t v = 0; v < FEATURES_WIDE_VALUES; v++) {
        uint32_t *const own = normal->values[v];
        if (normal->count == 0) {
            own[4] = (uint32_t)values[v];
        }
        const int64_t apart = (int64_t)values[v] - (int32_t)own[4];
        const int32_t y = (int32_t)((apart + (1 << (LOST_BITS - 1))) >> LOST_BITS);
        store_64(&own[0], load_64(&own[0]) + y);
        store_64(&own[2], load_64(&own[2]) + tk_multiply_s32(y, y));
    }
    normal->count++;
}

void tk_normal_heard(tk_normal *normal) {
    const int64_t count = normal->count > 0 ? normal->count : 1;
    const tk_number steps = {FEATURES_NORMAL_STEPS, FEATURES_NORMAL_STEPS_EXPONENT};
    const tk_number epsilon = {FEATURES_NORMAL_EPSILON, FEATURES_NORMAL_EPSILON_EXPONENT};
    for (uint32_t v = 0; v < FEATURES_WIDE_VALUES; v++) {
        uint32_t *const own = normal->values[v];
        const int64_t sum = load_64(&own[0]), mean = sum / count;
        const int64_t spread = load_64(&own[2]) - mean * (sum + (sum - count * mean));
        const int64_t variance = (spread > 0 ? spread : 0) / (count > 1 ? count - 1 : 1);
        const tk_number root =
            tk_number_sqrt(tk_number_from((uint64_t)variance, 2 * (LOST_BITS - 16)));
        const tk_number deviation = tk_number_add(root, epsilon);
        const tk_number inverse =
            tk_number_from((UINT64_C(1) << 63) / deviation.mantissa, -63 - deviation.exponent);
        const tk_number factor = tk_number_multiply(inverse, steps);
        own[0] = own[4] + (uint32_t)(int32_t)(sum * (1 << LOST_BITS) / count);
        own[1] = factor.mantissa >> 1;
        own[2] = (uint32_t)(factor.exponent + 1);
    }
    normal->hears = 0;
}

static inline int8_t rounded(const tk_rows *rows, uint32_t v, tk_value value) {
    const uint32_t *const own = rows->normal.values[v];
    const int64_t apart = (int64_t)value - (int32_t)own[0];
    const int32_t limited = apart > INT32_MAX    ? INT32_MAX
                            : apart < -INT32_MAX ? -INT32_MAX
                                                 : (int32_t)apart;
    return tk_quantise_q(tk_multiply_s32(limited, (int32_t)own[1]), 16 - (int32_t)own[2]);
}

#else

static void hear(tk_normal *normal, const tk_value *values) {
    normal->count++;
    const float share = 1.0F / (float)normal->count;
    for (uint32_t v = 0; v < FEATURES_WIDE_VALUES; v++) {
        const float apart = values[v] - normal->mean[v];
        normal->mean[v] += apart * share;
        normal->factor[v] += apart * (values[v] - normal->mean[v]);
    }
}

void tk_normal_heard(tk_normal *normal) {
    const float count = normal->count > 1 ? (float)(normal->count - 1u) : 1.0F;
    for (uint32_t v = 0; v < FEATURES_WIDE_VALUES; v++) {
        const float deviation = tk_sqrt(normal->factor[v] / count);
        normal->factor[v] = FEATURES_NORMAL_STEPS / (deviation + FEATURES_NORMAL_EPSILON);
    }
    normal->hears = 0;
}

static inline int8_t rounded(const tk_rows *rows, uint32_t v, tk_value value) {
    return tk_quantise((value - rows->normal.mean[v]) * rows->normal.factor[v]);
}

#endif
#elif defined(FEATURES_KEPT)

static inline int8_t rounded(const tk_rows *rows, uint32_t v, tk_value value) {
    (void)rows;
    (void)v;
#ifdef FEATURES_VALUES_FIXED
    return tk_quantise_q(value, 16);
#else
    return tk_quantise(value);
#endif
}

#else

static inline int8_t rounded(const tk_rows *rows, uint32_t v, tk_value value) {
    (void)rows;
    (void)v;
    return value;
}

#endif

/* A row with its deltas to int8, and on to the model when its stack is complete. */
static size_t give(tk_rows *rows, const tk_value *wide, int8_t *row) {
#ifdef FEATURES_NORMALISED
    if (rows->normal.hears) {
        hear(&rows->normal, wide);
        return 0;
    }
#endif
#ifdef FEATURES_STACK
    int8_t *const last = &rows->stack[(FEATURES_STACK - 1u) * FEATURES_WIDE_VALUES];
    TK_MOVE(rows->stack, rows->stack + FEATURES_WIDE_VALUES,
            (FEATURES_STACK - 1u) * FEATURES_WIDE_VALUES);
#else
    int8_t *const last = row;
#endif
    for (uint32_t v = 0; v < FEATURES_WIDE_VALUES; v++) {
        last[v] = rounded(rows, v, wide[v]);
    }
#ifdef FEATURES_STACK
    rows->due--;
    if (rows->due > 0) {
        return 0;
    }
    rows->due = FEATURES_STACK_STEP;
    TK_COPY(row, rows->stack, sizeof rows->stack);
#endif
    return 1;
}

#ifdef FEATURES_DELTAS

#ifdef FEATURES_VALUES_FIXED
static inline tk_value delta(const tk_rows *rows, const int32_t *weights, uint32_t v) {
    int64_t sum = INT64_C(1) << 29;
    for (uint32_t n = 0; n < TK_DELTA_ROWS; n++) {
        sum += tk_multiply_s32(rows->history[n][v], weights[n]);
    }
    return (tk_value)(sum >> 30);
}
#else
static inline tk_value delta(const tk_rows *rows, const float *weights, uint32_t v) {
    float sum = 0.0F;
    for (uint32_t n = 0; n < TK_DELTA_ROWS; n++) {
        sum += rows->history[n][v] * weights[n];
    }
    return sum;
}
#endif

/* The row in the middle of the history with its deltas; none before that has come. */
static size_t middle(tk_rows *rows, int8_t *row) {
    tk_value wide[FEATURES_WIDE_VALUES];
    if (rows->heard <= FEATURES_DELTA_REACH) {
        rows->heard++;
        if (rows->heard <= FEATURES_DELTA_REACH) {
            return 0;
        }
    }
    TK_COPY(wide, rows->history[FEATURES_DELTA_REACH], sizeof rows->history[0]);
    for (uint32_t order = 0; order < FEATURES_DELTAS; order++) {
        for (uint32_t v = 0; v < FEATURES_VALUES; v++) {
            wide[(order + 1u) * FEATURES_VALUES + v] =
                delta(rows, &tk_delta_weights[order * TK_DELTA_ROWS], v);
        }
    }
    return give(rows, wide, row);
}

/* Forget the oldest row; the last one stays where it is too. */
static void advance(tk_rows *rows) {
    TK_MOVE(rows->history, rows->history[1], (TK_DELTA_ROWS - 1u) * sizeof rows->history[0]);
}

size_t tk_rows_take(tk_rows *rows, const tk_value *values, int8_t *row) {
    advance(rows);
    for (uint32_t n = rows->heard == 0 ? 0u : TK_DELTA_ROWS - 1u; n < TK_DELTA_ROWS; n++) {
        TK_COPY(rows->history[n], values, sizeof rows->history[0]);
    }
    return middle(rows, row);
}

size_t tk_rows_repeat(tk_rows *rows, int8_t *row) {
    if (rows->heard == 0) {
        return 0;
    }
    advance(rows);
    return middle(rows, row);
}

#else

size_t tk_rows_take(tk_rows *rows, const tk_value *values, int8_t *row) {
    return give(rows, values, row);
}

#endif
