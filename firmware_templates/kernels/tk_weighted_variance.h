/* SPDX-License-Identifier: Apache-2.0 */
/* Variance by weights over time, or its root, int8 in, int8 or int16 out (custom operator
 * tk.weighted_variance).
 *
 * Weights are those of tk_attention_pool_s8, of 18 bits.  A frame of the result has outer * inner
 * values; steps of 0 repeat lin's or the logits' values.
 */
#ifndef TK_WEIGHTED_VARIANCE_H
#define TK_WEIGHTED_VARIANCE_H

#include "tk_spread.h"

#define TK_WEIGHTED_VARIANCE_DROPPED_BITS 12

typedef struct {
    int32_t element_bytes; /* of the result, 1 or 2 */
    int32_t frames;        /* of a batch run */
    int32_t outer, inner;
    int32_t lin_outer, lin_inner, logit_outer, logit_inner; /* steps within a frame */
    int32_t in_zero_point;
    int32_t added, least; /* to the variance and of it, 16 fractional bits */
    int32_t root;         /* 1: standard deviation */
    int32_t out_zero_point;
    int32_t multiplier, shift; /* lin scale (or its square) / output scale, less the fraction */
    const uint32_t *table;     /* [256], index logit + 128, each in [1, 2^30] */
} tk_weighted_variance_params;

/* Sums of weights, of weighted values less the zero point, and of their weighted squares. */
typedef struct {
    int64_t weights, sum, squares;
} tk_weighted_variance_sum;

/* Empty sums, outer * inner of them, 8-byte aligned.  At most 2^20 frames. */
void tk_weighted_variance_init(const tk_weighted_variance_params *p, void *sums);

/* Adds one frame. */
void tk_weighted_variance_accumulate_row(const tk_weighted_variance_params *p, const void *lin,
                                         const void *logits, void *sums);

/* Adds the sums of other frames. */
void tk_weighted_variance_merge(const tk_weighted_variance_params *p, void *sums,
                                const void *block);

/* Outputs after at least one frame; the sums stay as they are. */
void tk_weighted_variance_finish(const tk_weighted_variance_params *p, const void *sums, void *out);

/* Whole tensors.  Scratch: 24 * outer * inner bytes, 8-byte aligned. */
void tk_weighted_variance(const tk_weighted_variance_params *p, const void *lin, const void *logits,
                          void *out, void *scratch);

#endif
