/* SPDX-License-Identifier: Apache-2.0 */
// What the toolkit's kernels for TensorFlow Lite for Microcontrollers share.
#ifndef TK_TFLM_H
#define TK_TFLM_H

#include <cstring>

#include "tensorflow/lite/kernels/kernel_util.h"
#include "tensorflow/lite/micro/micro_context.h"

namespace toolkit {

// Takes a temporary tensor from the arena and gives it back at the end of the scope.
class TempTensor {
  public:
    TempTensor(tflite::MicroContext *context, TfLiteTensor *tensor)
        : context_(context), tensor_(tensor) {
    }
    ~TempTensor() {
        if (tensor_ != nullptr) {
            context_->DeallocateTempTfLiteTensor(tensor_);
        }
    }
    TempTensor(const TempTensor &) = delete;
    TempTensor &operator=(const TempTensor &) = delete;
    TfLiteTensor *get() const {
        return tensor_;
    }

  private:
    tflite::MicroContext *context_;
    TfLiteTensor *tensor_;
};

// An unsigned number of size bytes, little endian.
inline uint64_t LittleEndian(const char *bytes, size_t size) {
    uint64_t value = 0;
    for (size_t at = size; at-- > 0;) {
        value = value << 8 | static_cast<uint8_t>(bytes[at]);
    }
    return value;
}

// Whether options of that length begin with a magic of four letters and version 1.
inline bool IsVersion1(const char *options, size_t length, size_t wanted, const char *magic) {
    return length == wanted && std::memcmp(options, magic, 4) == 0 &&
           LittleEndian(options + 4, 2) == 1;
}

inline bool IsConstant(const TfLiteTensor *tensor, TfLiteType type, int64_t elements) {
    return tensor != nullptr && tensor->type == type && tflite::IsConstantTensor(tensor) &&
           tflite::NumElements(tensor) == elements;
}

// Whether an activation is int8, or int16 with zero point 0.
inline bool IsActivation(const TfLiteTensor *tensor) {
    return tensor != nullptr && (tensor->type == kTfLiteInt8 ||
                                 (tensor->type == kTfLiteInt16 && tensor->params.zero_point == 0));
}

} // namespace toolkit

#endif
