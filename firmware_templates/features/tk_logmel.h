/* SPDX-License-Identifier: Apache-2.0 */
/* Log-mel features in float32: a row is the quantised logarithm of the mel energies. */
#ifndef TK_LOGMEL_H
#define TK_LOGMEL_H

#include "tk_level.h"
#include "tk_spectrum.h"

typedef struct tk_front {
    tk_complex work[FEATURES_FFT_POINTS + 1u]; /* scratch: nothing outlives a frame */
    tk_level level;
} tk_front;

#endif
