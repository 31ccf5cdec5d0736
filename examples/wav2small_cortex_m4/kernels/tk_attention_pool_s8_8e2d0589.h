/* SPDX-License-Identifier: Apache-2.0 */
/* Attention pooling over time, int8 in, int8 out (custom operator tk.attention_pool).
 *
 * out[i] = sum_t (lin[t][i] - lin_zero_point) * w(logits[t][i]) / sum_t w(logits[t][i]),
 * requantised; w is a table over the logits, so that no exponential is computed on the device.
 * Layout: frames of `values` values (frequency x channel).
 *
 * The sums are exact and do not depend on the order of the frames: a batch run and a streamed run
 * (init, one accumulate_row a frame, finish) give the same bits.  Up to 2^25 frames.
 */
#ifndef TK_ATTENTION_POOL_S8_H
#define TK_ATTENTION_POOL_S8_H

#include "tk_common_368921da.h"

typedef struct {
    int32_t frames; /* of a batch run */
    int32_t values;
    int32_t lin_zero_point, out_zero_point;
    int32_t multiplier, shift; /* lin scale / output scale / 2^16 */
    const uint32_t *table;     /* [256], index logit + 128, each in [1, 2^30] */
} tk_8e2d0589_attention_pool_s8_params;

/* Running sums of one output value; a stream keeps `values` of them as its state. */
typedef struct {
    int64_t numerator;
    int64_t denominator;
} tk_8e2d0589_attention_pool_sum;

/* Empty sums. */
void tk_8e2d0589_attention_pool_s8_init(const tk_8e2d0589_attention_pool_s8_params *p, tk_8e2d0589_attention_pool_sum *sums);

/* Adds one frame: lin and logits hold `values` values each. */
void tk_8e2d0589_attention_pool_s8_accumulate_row(const tk_8e2d0589_attention_pool_s8_params *p, const int8_t *lin,
                                         const int8_t *logits, tk_8e2d0589_attention_pool_sum *sums);

/* Adds the sums of other frames. */
void tk_8e2d0589_attention_pool_s8_merge(const tk_8e2d0589_attention_pool_s8_params *p, tk_8e2d0589_attention_pool_sum *sums,
                                const tk_8e2d0589_attention_pool_sum *block);

/* The pooled value after at least one frame, requantised but not yet clamped to the output type. */
int32_t tk_8e2d0589_attention_pool_s8_value(const tk_8e2d0589_attention_pool_s8_params *p,
                                   const tk_8e2d0589_attention_pool_sum *sum);

/* Outputs after at least one frame; the sums stay as they are. */
void tk_8e2d0589_attention_pool_s8_finish(const tk_8e2d0589_attention_pool_s8_params *p,
                                 const tk_8e2d0589_attention_pool_sum *sums, int8_t *out);

/* Whole tensors: lin and logits [frames][values], out [values].
 * Scratch: 16 * values bytes, 8-byte aligned. */
void tk_8e2d0589_attention_pool_s8(const tk_8e2d0589_attention_pool_s8_params *p, const int8_t *lin,
                          const int8_t *logits, int8_t *out, void *scratch);

#endif
