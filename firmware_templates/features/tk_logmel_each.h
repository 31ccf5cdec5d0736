/* SPDX-License-Identifier: Apache-2.0 */
/* Log-mel features in float32 of which every band has a mean and a deviation of its own. */
#ifndef TK_LOGMEL_EACH_H
#define TK_LOGMEL_EACH_H

#include "tk_spectrum.h"

/* From natural logarithms to steps of the model's input. */
extern const float tk_factors[FEATURES_BANDS];
extern const float tk_offsets[FEATURES_BANDS];

#endif
