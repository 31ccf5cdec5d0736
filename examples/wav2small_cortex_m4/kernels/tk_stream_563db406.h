/* SPDX-License-Identifier: Apache-2.0 */
/* Rows on their way through a streamed model: rings, windows over them, and when a row is due.
 *
 * A counter says how many rows of a tensor have been made; row r of it lies in slot r % rows of its
 * ring.  A window over a ring gives output row o the input rows o * stride - top + k * dilation,
 * k < taps; rows before the first and, once the clip has ended, behind the last are padding.
 */
#ifndef TK_STREAM_H
#define TK_STREAM_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t offset; /* bytes from the start of the buffers */
    uint32_t rows;
    uint32_t row_bytes;
} tk_563db406_stream_ring;

typedef struct {
    int32_t taps, stride, dilation, top;
} tk_563db406_stream_window;

/* A layer that makes rows. */
typedef struct {
    tk_563db406_stream_window window;
    uint32_t rows;          /* counter of the rows that it makes */
    uint32_t group;         /* how many at once, at most */
    const uint16_t *inputs; /* counters of the rows that it reads */
    uint32_t input_count;
} tk_563db406_stream_stage;

/* Where row `row` of a ring lies. */
static inline void *tk_563db406_stream_row(uint8_t *buffers, const tk_563db406_stream_ring *ring, uint32_t row) {
    const uint32_t slot = ring->rows == 1 ? 0 : row % ring->rows;
    return buffers + ring->offset + slot * ring->row_bytes;
}

/* Whether a stage's next row can be made, `made` rows of every counter being there of `total` in
 * all. */
static inline int tk_563db406_stream_due(const tk_563db406_stream_stage *stage, const uint32_t *made,
                                const uint32_t *total) {
    const tk_563db406_stream_window *window = &stage->window;
    const uint32_t done = made[stage->rows];
    const int32_t span = (window->taps - 1) * window->dilation + 1;
    const int32_t needed = (int32_t)done * window->stride - window->top + span;
    int due = done != total[stage->rows];
    for (uint32_t i = 0; i < stage->input_count; ++i) {
        const uint32_t input = stage->inputs[i];
        due = due && (needed <= (int32_t)made[input] || made[input] == total[input]);
    }
    return due;
}

/* The count of a stage's rows once it has made those that are due. */
static inline uint32_t tk_563db406_stream_end(const tk_563db406_stream_stage *stage, const uint32_t *made,
                                     const uint32_t *total) {
    const uint32_t done = made[stage->rows];
    const uint32_t left = total[stage->rows] - done;
    return done + (left < stage->group ? left : stage->group);
}

/* The row under tap k of a stage's next row, of its first input; NULL for padding. */
static inline const void *tk_563db406_stream_tap(const tk_563db406_stream_stage *stage, uint8_t *buffers,
                                        const tk_563db406_stream_ring *rings, const uint32_t *made,
                                        int32_t k) {
    const tk_563db406_stream_window *window = &stage->window;
    const uint32_t input = stage->inputs[0];
    const int32_t row =
        (int32_t)made[stage->rows] * window->stride - window->top + k * window->dilation;
    const int inside = row >= 0 && row < (int32_t)made[input];
    return inside ? tk_563db406_stream_row(buffers, &rings[input], (uint32_t)row) : NULL;
}

#endif
