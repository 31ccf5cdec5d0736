/* SPDX-License-Identifier: Apache-2.0 */
/* Log-mel features in integers: a row is the quantised logarithm of the mel energies. */
#ifndef TK_LOGMEL_Q_H
#define TK_LOGMEL_Q_H

#include "tk_spectrum_q.h"

#endif
