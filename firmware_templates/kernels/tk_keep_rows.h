/* SPDX-License-Identifier: Apache-2.0 */
/* A fixed number of the rows of a stream, the first or the last (TFLite STRIDED_SLICE along time),
 * elements of 1 or 2 bytes. */
#ifndef TK_KEEP_ROWS_H
#define TK_KEEP_ROWS_H

#include "tk_common.h"

typedef struct {
    int32_t element_bytes; /* 1 or 2 */
    int32_t row_elements;
    int32_t skipped; /* rows before the first that counts; -1: the last ones count */
    int32_t rows;    /* that count */
    int32_t kept;    /* of these, every step-th */
    int32_t step;
} tk_keep_rows_params;

/* What a stream keeps: rows seen, then those that count, `rows` of them.  8 + rows * row_elements *
 * element_bytes bytes, 8-byte aligned. */
typedef struct {
    uint32_t seen;
    uint32_t unused;
} tk_keep_rows_state;

/* No rows seen. */
void tk_keep_rows_init(const tk_keep_rows_params *p, void *state);

/* The next row of the stream. */
void tk_keep_rows_accumulate_row(const tk_keep_rows_params *p, const void *row, void *state);

/* out [kept][row_elements], once all that count have been seen; the state stays as it is. */
void tk_keep_rows_finish(const tk_keep_rows_params *p, const void *state, void *out);

#endif
