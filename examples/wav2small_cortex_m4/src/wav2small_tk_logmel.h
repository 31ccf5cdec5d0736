/* SPDX-License-Identifier: Apache-2.0 */
/* Log-mel features in float32: a row is the quantised logarithm of the mel energies. */
#ifndef WAV2SMALL_TK_LOGMEL_H
#define WAV2SMALL_TK_LOGMEL_H

#include "wav2small_tk_level.h"
#include "wav2small_tk_spectrum.h"

typedef struct wav2small_tk_front {
    wav2small_tk_complex work[WAV2SMALL_FEATURES_FFT_POINTS + 1u]; /* scratch: nothing outlives a frame */
    wav2small_tk_level level;
} wav2small_tk_front;

#endif
