/* SPDX-License-Identifier: Apache-2.0 */
/* The bins of the FFT in float32: a row is their quantised strengths, or logarithms of these. */
#ifndef TK_SPECTROGRAM_H
#define TK_SPECTROGRAM_H

#include "tk_spectrum.h"

#endif
