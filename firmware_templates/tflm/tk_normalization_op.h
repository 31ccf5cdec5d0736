/* SPDX-License-Identifier: Apache-2.0 */
// Normalisation of rows ("tk.normalization") for TensorFlow Lite for Microcontrollers.
#ifndef TK_NORMALIZATION_OP_H
#define TK_NORMALIZATION_OP_H

#include "tensorflow/lite/micro/micro_common.h"

namespace toolkit {

constexpr char kNormalizationName[] = "tk.normalization";

// The kernel's registration; lives as long as the program.
const TFLMRegistration *RegisterNormalization();

} // namespace toolkit

#endif
