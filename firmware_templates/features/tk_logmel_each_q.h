/* SPDX-License-Identifier: Apache-2.0 */
/* Log-mel features in integers of which every band has a mean and a deviation of its own. */
#ifndef TK_LOGMEL_EACH_Q_H
#define TK_LOGMEL_EACH_Q_H

#include "tk_log_q.h"
#include "tk_spectrum_q.h"

/* From log2 to steps of the model's input, in 2^-FEATURES_FACTOR_SHIFT; the offset in 2^-16. */
extern const int32_t tk_factors[FEATURES_BANDS];
extern const int32_t tk_offsets[FEATURES_BANDS];

#endif
