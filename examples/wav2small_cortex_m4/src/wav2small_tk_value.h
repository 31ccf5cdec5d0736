/* SPDX-License-Identifier: Apache-2.0 */
/* What a value of a row is before the model's int8. */
#ifndef WAV2SMALL_TK_VALUE_H
#define WAV2SMALL_TK_VALUE_H

#include <stdint.h>

#ifndef WAV2SMALL_FEATURES_KEPT
typedef int8_t wav2small_tk_value;
#elif defined(WAV2SMALL_FEATURES_VALUES_FIXED)
typedef int32_t wav2small_tk_value;
#else
typedef float wav2small_tk_value;
#endif

#endif
