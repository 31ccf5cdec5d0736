/* Average pooling, int16 (TFLite AVERAGE_POOL_2D); padding does not count in the mean.
 *
 * Layout: NHWC with batch 1; input and output share one quantisation.  kernel_h at most
 * TK_MAX_KERNEL_ROWS.
 */
#ifndef TK_AVERAGE_POOL_2D_S16_H
#define TK_AVERAGE_POOL_2D_S16_H

#include "tk_common.h"

typedef struct {
    int32_t in_h, in_w, channels;
    int32_t out_h, out_w;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t pad_top, pad_left;
    int32_t out_min, out_max;
} tk_average_pool_2d_s16_params;

/* One output row: rows[k] is the input row (in_w * channels values) under kernel row k, NULL in the
 * padding; out receives out_w * channels values.  Scratch: none. */
void tk_average_pool_2d_s16_row(const tk_average_pool_2d_s16_params *p, const int16_t *const *rows,
                                int16_t *out);

/* Whole tensor: in [in_h][in_w][channels], out [out_h][out_w][channels]; the two must not overlap.
 */
void tk_average_pool_2d_s16(const tk_average_pool_2d_s16_params *p, const int16_t *in,
                            int16_t *out);

#endif
