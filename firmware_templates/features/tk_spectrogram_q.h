/* SPDX-License-Identifier: Apache-2.0 */
/* The bins of the FFT in integers: a row is their quantised strengths, or logarithms of these. */
#ifndef TK_SPECTROGRAM_Q_H
#define TK_SPECTROGRAM_Q_H

#include "tk_spectrum_q.h"

#endif
