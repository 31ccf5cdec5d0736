/* SPDX-License-Identifier: Apache-2.0 */
/* What a value of a row is before the model's int8. */
#ifndef TK_VALUE_H
#define TK_VALUE_H

#include <stdint.h>

#ifndef FEATURES_KEPT
typedef int8_t tk_value;
#elif defined(FEATURES_VALUES_FIXED)
typedef int32_t tk_value;
#else
typedef float tk_value;
#endif

#endif
