/* SPDX-License-Identifier: Apache-2.0 */
/* Mel-frequency cepstral coefficients in float32: the cosine transform of a log-mel row. */
#ifndef TK_MFCC_H
#define TK_MFCC_H

#include "tk_level.h"
#include "tk_spectrum.h"

typedef struct tk_front {
    tk_complex work[FEATURES_FFT_POINTS + 1u]; /* scratch: nothing outlives a frame */
    tk_level level;
} tk_front;

/* The cosine transform, a row of FEATURES_BANDS factors for every coefficient; the unit of the
 * logarithm and the scale of the model's input are in it. */
extern const float tk_cosines[FEATURES_ROW_VALUES * FEATURES_BANDS];

#endif
