/* SPDX-License-Identifier: Apache-2.0 */
/* Log-mel features in float32: a row is the quantised logarithm of the mel energies. */
#ifndef WAV2SMALL_TK_LOGMEL_H
#define WAV2SMALL_TK_LOGMEL_H

#include "wav2small_tk_spectrum.h"

#endif
