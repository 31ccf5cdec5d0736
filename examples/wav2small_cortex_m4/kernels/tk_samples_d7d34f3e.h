/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of other types as int16: the nearest, ties away from 0; what is beyond full scale is
 * clipped.  Full scale of Q31 is 2^31, of float 1; what is no number is silence. */
#ifndef TK_SAMPLES_H
#define TK_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

/* in and out [count]. */
void tk_d7d34f3e_samples_q31(const int32_t *in, size_t count, int16_t *out);
void tk_d7d34f3e_samples_f32(const float *in, size_t count, int16_t *out);

#endif
