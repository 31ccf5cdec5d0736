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
} tk_stream_ring;

typedef struct {
    int32_t taps, stride, dilation, top;
} tk_stream_window;

/* Where row `row` of a ring lies. */
static inline void *tk_stream_row(uint8_t *buffers, const tk_stream_ring *ring, uint32_t row) {
    const uint32_t slot = ring->rows == 1 ? 0 : row % ring->rows;
    return buffers + ring->offset + slot * ring->row_bytes;
}

/* Whether output row `done` can be computed: `made` rows of input are there, of `total` in all. */
static inline int tk_stream_due(const tk_stream_window *window, uint32_t done, uint32_t made,
                                uint32_t total) {
    const int32_t span = (window->taps - 1) * window->dilation + 1;
    const int32_t needed = (int32_t)done * window->stride - window->top + span;
    return needed <= (int32_t)made || made == total;
}

/* The input row under tap k of output row `done`, NULL for padding. */
static inline const void *tk_stream_tap(uint8_t *buffers, const tk_stream_ring *ring,
                                        const tk_stream_window *window, uint32_t done,
                                        uint32_t made, int32_t k) {
    const int32_t row = (int32_t)done * window->stride - window->top + k * window->dilation;
    const int inside = row >= 0 && row < (int32_t)made;
    return inside ? tk_stream_row(buffers, ring, (uint32_t)row) : NULL;
}

#endif
