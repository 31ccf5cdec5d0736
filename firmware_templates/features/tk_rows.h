/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of rows before the model takes them: deltas, normalisation over the clip, stacking.
 *
 * Values are float32, or with FEATURES_VALUES_FIXED integers in 2^-16: steps of the model's input,
 * or (FEATURES_NORMALISED) features as they are.
 */
#ifndef TK_ROWS_H
#define TK_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "tk_value.h"

#ifdef FEATURES_DELTAS
#define TK_DELTA_ROWS (2u * FEATURES_DELTA_REACH + 1u)
/* Weights of the rows around one, oldest first, by order; in 2^-30 where values are integers. */
#ifdef FEATURES_VALUES_FIXED
extern const int32_t tk_delta_weights[FEATURES_DELTAS * TK_DELTA_ROWS];
#else
extern const float tk_delta_weights[FEATURES_DELTAS * TK_DELTA_ROWS];
#endif
#endif

#ifdef FEATURES_NORMALISED
/* How values are normalised. */
typedef struct tk_normal {
    uint32_t hears; /* whether the clip is being heard */
    uint32_t count; /* rows heard */
#ifdef FEATURES_VALUES_FIXED
    /* Sum and sum of squares, 64 bits each, about the first value; then mean, mantissa and exponent
     * of the factor. */
    uint32_t values[FEATURES_WIDE_VALUES][5];
#else
    float mean[FEATURES_WIDE_VALUES];
    float factor[FEATURES_WIDE_VALUES]; /* while hearing, the sum of squares about the mean */
#endif
} tk_normal;
#endif

typedef struct tk_rows {
#ifdef FEATURES_DELTAS
    uint32_t heard; /* rows so far, up to FEATURES_DELTA_REACH + 1 */
    tk_value history[TK_DELTA_ROWS][FEATURES_VALUES]; /* oldest first */
#endif
#ifdef FEATURES_NORMALISED
    tk_normal normal;
#endif
#ifdef FEATURES_STACK
    uint32_t due; /* rows until the next stack is complete */
    int8_t stack[FEATURES_STACK * FEATURES_WIDE_VALUES];
#endif
} tk_rows;

/* Begin a clip; how values are normalised stays. */
void tk_rows_begin(tk_rows *rows);

/* Take a row of FEATURES_VALUES; returns whether one of the model's came of it, in `row`. */
size_t tk_rows_take(tk_rows *rows, const tk_value *values, int8_t *row);

#ifdef FEATURES_DELTAS
/* Take the last row once more: the clip has ended. */
size_t tk_rows_repeat(tk_rows *rows, int8_t *row);
#endif

#ifdef FEATURES_NORMALISED
/* From what was heard, mean and factor of every value. */
void tk_normal_heard(tk_normal *normal);
#endif

/* Rows for the model that `count` more rows complete; with `ends`, those that the end does too. */
static inline size_t tk_rows_count(const tk_rows *rows, size_t count, int ends) {
#ifdef FEATURES_DELTAS
    const size_t reach = FEATURES_DELTA_REACH, all = rows->heard + count;
    const size_t before = rows->heard > reach ? rows->heard - reach : 0u;
    count = ends ? all - before : (all > reach ? all - reach : 0u) - before;
#endif
#ifdef FEATURES_STACK
    count = count < rows->due ? 0u : 1u + (count - rows->due) / FEATURES_STACK_STEP;
#endif
    (void)rows;
    (void)ends;
    return count;
}

/* Whether no row was taken yet, or that does not matter. */
static inline int tk_rows_fresh(const tk_rows *rows) {
    (void)rows;
#if defined(FEATURES_DELTAS)
    return rows->heard == 0;
#elif defined(FEATURES_STACK)
    return rows->due == FEATURES_STACK;
#else
    return 1;
#endif
}

#endif
