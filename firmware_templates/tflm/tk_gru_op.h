/* SPDX-License-Identifier: Apache-2.0 */
// GRU over a sequence ("tk.gru") for TensorFlow Lite for Microcontrollers.
#ifndef TK_GRU_OP_H
#define TK_GRU_OP_H

#include "tensorflow/lite/micro/micro_common.h"

namespace toolkit {

constexpr char kGruName[] = "tk.gru";

// The kernel's registration; lives as long as the program.
const TFLMRegistration *RegisterGru();

} // namespace toolkit

#endif
