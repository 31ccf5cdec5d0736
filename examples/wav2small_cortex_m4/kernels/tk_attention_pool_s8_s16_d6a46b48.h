/* SPDX-License-Identifier: Apache-2.0 */
/* Attention pooling over time, int8 in, int16 out: tk_8e2d0589_attention_pool_s8 with a finer result, for a
 * head that works on 16 bits.  Zero point of the output: 0. */
#ifndef TK_ATTENTION_POOL_S8_S16_H
#define TK_ATTENTION_POOL_S8_S16_H

#include "tk_attention_pool_s8_8e2d0589.h"

typedef tk_8e2d0589_attention_pool_s8_params tk_d6a46b48_attention_pool_s8_s16_params;

static inline void tk_d6a46b48_attention_pool_s8_s16_init(const tk_d6a46b48_attention_pool_s8_s16_params *p,
                                                 tk_8e2d0589_attention_pool_sum *sums) {
    tk_8e2d0589_attention_pool_s8_init(p, sums);
}

static inline void tk_d6a46b48_attention_pool_s8_s16_accumulate_row(const tk_d6a46b48_attention_pool_s8_s16_params *p,
                                                           const int8_t *lin, const int8_t *logits,
                                                           tk_8e2d0589_attention_pool_sum *sums) {
    tk_8e2d0589_attention_pool_s8_accumulate_row(p, lin, logits, sums);
}

static inline void tk_d6a46b48_attention_pool_s8_s16_merge(const tk_d6a46b48_attention_pool_s8_s16_params *p,
                                                  tk_8e2d0589_attention_pool_sum *sums,
                                                  const tk_8e2d0589_attention_pool_sum *block) {
    tk_8e2d0589_attention_pool_s8_merge(p, sums, block);
}

/* Outputs after at least one frame; the sums stay as they are. */
void tk_d6a46b48_attention_pool_s8_s16_finish(const tk_d6a46b48_attention_pool_s8_s16_params *p,
                                     const tk_8e2d0589_attention_pool_sum *sums, int16_t *out);

/* Whole tensors: lin and logits [frames][values], out [values].
 * Scratch: 16 * values bytes, 8-byte aligned. */
void tk_d6a46b48_attention_pool_s8_s16(const tk_d6a46b48_attention_pool_s8_s16_params *p, const int8_t *lin,
                              const int8_t *logits, int16_t *out, void *scratch);

#endif
