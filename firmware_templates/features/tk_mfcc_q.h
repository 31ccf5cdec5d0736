/* SPDX-License-Identifier: Apache-2.0 */
/* Mel-frequency cepstral coefficients in integers: the cosine transform of a log-mel row. */
#ifndef TK_MFCC_Q_H
#define TK_MFCC_Q_H

#include "tk_log_q.h"
#include "tk_spectrum_q.h"

/* The cosine transform in 2^-FEATURES_COSINE_SHIFT, a row of FEATURES_BANDS factors for every
 * coefficient; the unit of the logarithm and the scale of the model's input are in it. */
extern const int16_t tk_cosines[FEATURES_VALUES * FEATURES_BANDS];
#ifdef FEATURES_OFFSETS
/* Added to every coefficient, in 2^-16 steps of the model's input. */
extern const int32_t tk_offsets[FEATURES_VALUES];
#endif

#endif
