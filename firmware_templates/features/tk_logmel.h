/* SPDX-License-Identifier: Apache-2.0 */
/* Log-mel features in float32: a row is the quantised logarithm of the mel energies. */
#ifndef TK_LOGMEL_H
#define TK_LOGMEL_H

#include "tk_spectrum.h"

#endif
