/* Attention pooling over time, int8 in, int16 out: tk_attention_pool_s8 with a finer result, for a
 * head that works on 16 bits.  Zero point of the output: 0. */
#ifndef TK_ATTENTION_POOL_S8_S16_H
#define TK_ATTENTION_POOL_S8_S16_H

#include "tk_attention_pool_s8.h"

typedef tk_attention_pool_s8_params tk_attention_pool_s8_s16_params;

/* Outputs after at least one frame; the sums stay as they are. */
void tk_attention_pool_s8_s16_finish(const tk_attention_pool_s8_s16_params *p,
                                     const tk_attention_pool_sum *sums, int16_t *out);

/* Whole tensors: lin and logits [frames][values], out [values].
 * Scratch: 16 * values bytes, 8-byte aligned. */
void tk_attention_pool_s8_s16(const tk_attention_pool_s8_s16_params *p, const int8_t *lin,
                              const int8_t *logits, int16_t *out, void *scratch);

#endif
