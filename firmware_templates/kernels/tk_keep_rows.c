/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_keep_rows.h"

static void copy(const uint8_t *in, uint8_t *out, int32_t bytes) {
    for (int32_t i = 0; i < bytes; ++i) {
        out[i] = in[i];
    }
}

static int32_t row_bytes(const tk_keep_rows_params *p) {
    return p->row_elements * p->element_bytes;
}

void tk_keep_rows_init(const tk_keep_rows_params *p, void *state) {
    (void)p;
    ((tk_keep_rows_state *)state)->seen = 0;
}

void tk_keep_rows_accumulate_row(const tk_keep_rows_params *p, const void *row, void *state) {
    tk_keep_rows_state *s = state;
    uint8_t *rows = (uint8_t *)(s + 1);
    const uint32_t count = (uint32_t)p->rows;
    if (p->skipped < 0) {
        copy(row, rows + s->seen % count * (uint32_t)row_bytes(p), row_bytes(p));
    } else if (s->seen >= (uint32_t)p->skipped && s->seen - (uint32_t)p->skipped < count) {
        copy(row, rows + (s->seen - (uint32_t)p->skipped) * (uint32_t)row_bytes(p), row_bytes(p));
    }
    ++s->seen;
}

/* Where row r of those that count lies. */
static const uint8_t *kept_row(const tk_keep_rows_params *p, const tk_keep_rows_state *s,
                               uint32_t r) {
    const uint32_t slot = p->skipped < 0 ? (s->seen + r) % (uint32_t)p->rows : r;
    return (const uint8_t *)(s + 1) + slot * (uint32_t)row_bytes(p);
}

void tk_keep_rows_finish(const tk_keep_rows_params *p, const void *state, void *out) {
    uint8_t *to = out;
    for (int32_t r = 0; r < p->kept; ++r, to += row_bytes(p)) {
        copy(kept_row(p, state, (uint32_t)(r * p->step)), to, row_bytes(p));
    }
}
