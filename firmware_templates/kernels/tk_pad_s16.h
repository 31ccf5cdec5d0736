/* Padding of up to four dimensions with one value, int16 (TFLite PAD, PADV2). */
#ifndef TK_PAD_S16_H
#define TK_PAD_S16_H

#include "tk_common.h"

typedef struct {
    const int32_t *dims;   /* [4] of the input, outermost first */
    const int32_t *before; /* [4] elements added before each dimension */
    const int32_t *after;  /* [4] elements added after each dimension */
    int32_t value;
} tk_pad_s16_params;

/* out has before + dims + after elements along each dimension and must not overlap in.
 * Scratch: none. */
void tk_pad_s16(const tk_pad_s16_params *p, const int16_t *in, int16_t *out);

/* One row of a stream, for which dims, before and after are of one row: rows[0], padded, or all
 * padding where it is NULL. */
void tk_pad_s16_row(const tk_pad_s16_params *p, const int16_t *const *rows, int16_t *out);

#endif
