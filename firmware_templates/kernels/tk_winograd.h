/* What the Winograd convolutions of both tile sizes share. */
#ifndef TK_WINOGRAD_H
#define TK_WINOGRAD_H

#include <stddef.h>

#include "tk_dsp.h"
#include "tk_matmul_s16.h"

typedef struct {
    int32_t out_w, in_c, out_c;
    int32_t out_wide;         /* 0: int8 rows [out_w][out_c]; 1: wide rows of even(out_c) values */
    int32_t out_min, out_max; /* less the zero point when out_wide */
    int32_t rectified;        /* whether everything below the zero point becomes out_min */
    const int32_t *weights; /* transformed, for tk_matmul_s16, one block for each chunk of pairs */
    const int32_t
        *channels; /* [out_c][4]: multiplier, rounding, right shift (1..22), scaled bias */
} tk_winograd_params;

/* Pairs of input channels in a product, none wider than the registers hold. */
TK_INLINE int32_t tk_winograd_chunk(int32_t pairs) {
    const int32_t chunks = (pairs + TK_MATMUL_S16_PAIRS - 1) / TK_MATMUL_S16_PAIRS;
    return (pairs + chunks - 1) / chunks;
}

#define TK_WINOGRAD_CALL(positions, n, tiles, weights, columns, product, triples, singles, add)    \
    if (add) {                                                                                     \
        tk_matmul##positions##_s16_add_##n##x##tiles(weights, columns, product, triples, singles); \
    } else {                                                                                       \
        tk_matmul##positions##_s16_##n##x##tiles(weights, columns, product, triples, singles);     \
    }

#define TK_WINOGRAD_CASE(positions_, n, tiles_)                                                    \
    if (positions == (positions_) && pairs == (n) && tiles == (tiles_)) {                          \
        TK_WINOGRAD_CALL(positions_, n, tiles_, weights, columns, product, triples, singles, add)  \
    }

/* One product of matrices; all arguments but the pointers are constants. */
TK_INLINE void tk_winograd_product(const int32_t *weights, const uint32_t *columns,
                                   int32_t *product, int32_t positions, int32_t out_c,
                                   int32_t pairs, int32_t tiles, int32_t add) {
    const uint32_t triples = (uint32_t)out_c / 3, singles = (uint32_t)out_c % 3;
    TK_MATMUL_S16_ALL(TK_WINOGRAD_CASE)
}

/* All chunks' products, added up. */
TK_INLINE void tk_winograd_multiply(const tk_winograd_params *p, const uint32_t *columns,
                                    int32_t *product, int32_t positions, int32_t tiles) {
    const int32_t pairs = (p->in_c + 1) / 2, chunk = tk_winograd_chunk(pairs);
    const int32_t whole = pairs / chunk * chunk;
    tk_winograd_product(p->weights, columns, product, positions, p->out_c, chunk, tiles, 0);
    for (int32_t begin = chunk; begin < whole; begin += chunk) {
        tk_winograd_product(p->weights + positions * begin * p->out_c,
                            columns + positions * begin * tiles, product, positions, p->out_c,
                            chunk, tiles, 1);
    }
    if (whole < pairs) {
        tk_winograd_product(p->weights + positions * whole * p->out_c,
                            columns + positions * whole * tiles, product, positions, p->out_c,
                            pairs - whole, tiles, 1);
    }
}

/* What one output channel needs to become int8. */
typedef struct {
    int32_t multiplier, rounding, shift, bias;
} tk_winograd_channel;

TK_INLINE tk_winograd_channel tk_winograd_channel_at(const tk_winograd_params *p, int32_t oc) {
    const int32_t *values = p->channels + 4 * oc;
    const tk_winograd_channel channel = {values[0], values[1], values[2], values[3]};
    return channel;
}

/* Rescale twice an accumulator, clamp it and store it as the row's type. */
TK_INLINE void tk_winograd_store(const tk_winograd_params *p, const tk_winograd_channel *channel,
                                 int32_t twice, void *row, int32_t at) {
    int32_t v = tk_smmlar(twice, channel->multiplier, channel->rounding);
    /* Halves are rounded away from zero: a negative value, and so its accumulator, takes one off,
     * for nothing where no negative value survives.
     */
    if (!p->rectified) {
        v += twice >> 31;
    }
    v >>= channel->shift;
    if (p->out_min == -128 && p->out_max == 127) {
        v = tk_ssat8(v);
    } else if (p->out_min == 0 && p->out_max == 255) {
        v = tk_usat8(v);
    } else {
        v = v < p->out_min ? p->out_min : (v > p->out_max ? p->out_max : v);
    }
    if (p->out_wide) {
        ((int16_t *)row)[at] = (int16_t)v;
    } else {
        ((int8_t *)row)[at] = (int8_t)v;
    }
}

#endif
