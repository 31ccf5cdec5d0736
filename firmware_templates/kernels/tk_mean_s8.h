/* Mean over neighbouring axes, int8 (TFLite MEAN).
 *
 * Layout: in [outer][averaged][inner], out [outer][inner].  The multiplier holds the rescaling and
 * the division by the number of averaged values; a stream computes it when it finishes.
 */
#ifndef TK_MEAN_S8_H
#define TK_MEAN_S8_H

#include "tk_common.h"

typedef struct {
    int32_t outer, averaged, inner;
    int32_t in_zero_point, out_zero_point;
    int32_t multiplier, shift;
} tk_mean_s8_params;

/* Add count rows of inner values to sums [inner], which start at 0; less the zero point, every sum
 * must fit 32 bits. */
void tk_mean_s8_add(const tk_mean_s8_params *p, const int8_t *in, int32_t count, int32_t *sums);

/* The means of the count rows added so far, with the multiplier that belongs to count. */
void tk_mean_s8_finish(const tk_mean_s8_params *p, const int32_t *sums, int32_t count,
                       int32_t multiplier, int32_t shift, int8_t *out);

/* Whole tensor.  Scratch: inner int32, aligned to 4 bytes. */
void tk_mean_s8(const tk_mean_s8_params *p, const int8_t *in, int8_t *out, void *scratch);

#endif
