/* SPDX-License-Identifier: Apache-2.0 */
// Any function of one value ("tk.table") for TensorFlow Lite for Microcontrollers.
#ifndef TK_TABLE_OP_H
#define TK_TABLE_OP_H

#include "tensorflow/lite/micro/micro_common.h"

namespace toolkit {

constexpr char kTableName[] = "tk.table";

// The kernel's registration; lives as long as the program.
const TFLMRegistration *RegisterTable();

} // namespace toolkit

#endif
