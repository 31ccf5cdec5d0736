/* SPDX-License-Identifier: Apache-2.0 */
// Attention pooling ("tk.attention_pool") for TensorFlow Lite for Microcontrollers.
//
//   tflite::MicroMutableOpResolver<N> resolver;
//   resolver.AddCustom(toolkit::kAttentionPoolName, toolkit::RegisterAttentionPool());
#ifndef TK_ATTENTION_POOL_H
#define TK_ATTENTION_POOL_H

#include "tensorflow/lite/micro/micro_common.h"

namespace toolkit {

constexpr char kAttentionPoolName[] = "tk.attention_pool";

// The kernel's registration; lives as long as the program.
const TFLMRegistration *RegisterAttentionPool();

} // namespace toolkit

#endif
