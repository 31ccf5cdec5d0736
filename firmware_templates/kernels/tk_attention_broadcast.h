/* SPDX-License-Identifier: Apache-2.0 */
/* Attention pooling over time as tk_attention_pool_s8, where lin and logits repeat over each other:
 * one weight a frame, or one a head.  int8 in, int8 or int16 out.
 *
 * A frame of the result has outer * inner values; steps of 0 repeat lin's or the logits' values.
 */
#ifndef TK_ATTENTION_BROADCAST_H
#define TK_ATTENTION_BROADCAST_H

#include "tk_attention_pool_s8.h"

typedef struct {
    int32_t element_bytes; /* of the result, 1 or 2 */
    int32_t frames;        /* of a batch run */
    int32_t outer, inner;
    int32_t lin_outer, lin_inner, logit_outer, logit_inner; /* steps within a frame */
    int32_t lin_zero_point, out_zero_point;
    int32_t multiplier, shift; /* lin scale / output scale / 2^16 */
    const uint32_t *table;     /* [256], index logit + 128, each in [1, 2^30] */
} tk_attention_broadcast_params;

/* Empty sums, outer * inner of them. */
void tk_attention_broadcast_init(const tk_attention_broadcast_params *p, void *sums);

/* Adds one frame. */
void tk_attention_broadcast_accumulate_row(const tk_attention_broadcast_params *p, const void *lin,
                                           const void *logits, void *sums);

/* Adds the sums of other frames. */
void tk_attention_broadcast_merge(const tk_attention_broadcast_params *p, void *sums,
                                  const void *block);

/* Outputs after at least one frame; the sums stay as they are. */
void tk_attention_broadcast_finish(const tk_attention_broadcast_params *p, const void *sums,
                                   void *out);

/* Whole tensors.  Scratch: 16 * outer * inner bytes, 8-byte aligned. */
void tk_attention_broadcast(const tk_attention_broadcast_params *p, const void *lin,
                            const void *logits, void *out, void *scratch);

#endif
