/* SPDX-License-Identifier: Apache-2.0 */
/* The waveform itself as features, in integers: level-normalised samples, quantised. */
#ifndef TK_RAW_Q_H
#define TK_RAW_Q_H

#include "tk_level_q.h"

typedef struct tk_front {
    tk_level level;
} tk_front;

#endif
