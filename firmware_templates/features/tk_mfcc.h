/* SPDX-License-Identifier: Apache-2.0 */
/* Mel-frequency cepstral coefficients in float32: the cosine transform of a log-mel row. */
#ifndef TK_MFCC_H
#define TK_MFCC_H

#include "tk_spectrum.h"

/* The cosine transform, a row of FEATURES_BANDS factors for every coefficient; the unit of the
 * logarithm and the scale of the model's input are in it. */
extern const float tk_cosines[FEATURES_VALUES * FEATURES_BANDS];
#ifdef FEATURES_OFFSETS
/* Added to every coefficient, in steps of the model's input. */
extern const float tk_offsets[FEATURES_VALUES];
#endif

#endif
