/* SPDX-License-Identifier: Apache-2.0 */
/* The waveform itself as features, float32: level-normalised samples, quantised. */
#ifndef TK_RAW_H
#define TK_RAW_H

#include "tk_level.h"

typedef struct tk_front {
    tk_level level;
} tk_front;

#endif
