/* SPDX-License-Identifier: Apache-2.0 */
/* Mel-frequency cepstral coefficients in integers: the cosine transform of a log-mel row. */
#ifndef TK_MFCC_Q_H
#define TK_MFCC_Q_H

#include "tk_spectrum_q.h"

typedef struct tk_front {
    tk_complex_q work[FEATURES_FFT_POINTS + 1u]; /* scratch: nothing outlives a frame */
    tk_level level;
} tk_front;

/* The cosine transform in 2^-FEATURES_COSINE_SHIFT, a row of FEATURES_BANDS factors for every
 * coefficient; the unit of the logarithm and the scale of the model's input are in it. */
extern const int16_t tk_cosines[FEATURES_ROW_VALUES * FEATURES_BANDS];
/* log2(1 + n / 128) in 2^-16. */
extern const uint32_t tk_logarithms[129];

#endif
