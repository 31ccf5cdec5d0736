/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_normalization_op.h"

#include "tensorflow/lite/kernels/internal/quantization_util.h"
#include "tensorflow/lite/kernels/kernel_util.h"
#include "tensorflow/lite/micro/kernels/kernel_util.h"
#include "tensorflow/lite/micro/micro_context.h"
#include "tk_tflm.h"

extern "C" {
#include "tk_normalization.h"
}

namespace toolkit {
namespace {

constexpr int kInput = 0, kGains = 1, kOffsets = 2, kOutput = 0;
// Options: magic, version 1, centred, shift of the gains, added to the squares (8 bytes).
constexpr size_t kOptionsBytes = 16;
constexpr int32_t kMinValues = 2, kMaxValues = 16384;
constexpr int32_t kMaxShift = 30;
constexpr int64_t kMaxAdded = INT64_C(1) << 60;
// Fractional bits of a normalised value, less those of an output step.
constexpr int32_t kShift = 20 - 8;

struct OpData {
    bool options_valid;
    int32_t centred, gain_shift;
    int64_t added;
    tk_normalization_params params;
};

void *Init(TfLiteContext *context, const char *buffer, size_t length) {
    void *memory = context->AllocatePersistentBuffer(context, sizeof(OpData));
    if (memory == nullptr) {
        return nullptr;
    }
    auto *data = static_cast<OpData *>(memory);
    data->options_valid = IsVersion1(buffer, length, kOptionsBytes, "TKNO");
    if (data->options_valid) {
        data->centred = static_cast<int32_t>(LittleEndian(buffer + 6, 1));
        data->gain_shift = static_cast<int32_t>(LittleEndian(buffer + 7, 1));
        data->added = static_cast<int64_t>(LittleEndian(buffer + 8, 8));
    }
    return memory;
}

TfLiteStatus Prepare(TfLiteContext *context, TfLiteNode *node) {
    auto *data = static_cast<OpData *>(node->user_data);
    TF_LITE_ENSURE(context, data != nullptr);
    TF_LITE_ENSURE_MSG(context, data->options_valid, "tk.normalization: unknown options");
    TF_LITE_ENSURE(context, data->gain_shift <= kMaxShift);
    TF_LITE_ENSURE(context, data->added >= 0 && data->added <= kMaxAdded);
    TF_LITE_ENSURE_EQ(context, tflite::NumInputs(node), 3);
    TF_LITE_ENSURE_EQ(context, tflite::NumOutputs(node), 1);
    tflite::MicroContext *micro = tflite::GetMicroContext(context);
    const TempTensor in_temp(micro, micro->AllocateTempInputTensor(node, kInput));
    const TempTensor gains_temp(micro, micro->AllocateTempInputTensor(node, kGains));
    const TempTensor offsets_temp(micro, micro->AllocateTempInputTensor(node, kOffsets));
    const TempTensor out_temp(micro, micro->AllocateTempOutputTensor(node, kOutput));
    const TfLiteTensor *in = in_temp.get(), *out = out_temp.get();
    TF_LITE_ENSURE(context, IsActivation(in) && IsActivation(out));
    TF_LITE_ENSURE(context, in->dims->size >= 1 && TfLiteIntArrayEqual(in->dims, out->dims));
    const int32_t count = in->dims->data[in->dims->size - 1];
    TF_LITE_ENSURE(context, count >= kMinValues && count <= kMaxValues);
    TF_LITE_ENSURE(context, IsConstant(gains_temp.get(), kTfLiteInt32, count));
    TF_LITE_ENSURE(context, IsConstant(offsets_temp.get(), kTfLiteInt32, count));
    tk_normalization_params *p = &data->params;
    p->element_bytes = in->type == kTfLiteInt16 ? 2 : 1;
    p->out_bytes = out->type == kTfLiteInt16 ? 2 : 1;
    p->rows = static_cast<int32_t>(tflite::NumElements(out)) / count;
    p->count = count;
    p->centred = data->centred;
    p->in_zero_point = in->params.zero_point;
    p->out_zero_point = out->params.zero_point;
    p->shift = kShift + data->gain_shift;
    p->added_low = static_cast<int32_t>(data->added & INT32_MAX);
    p->added_high = static_cast<int32_t>(data->added >> 31);
    return kTfLiteOk;
}

TfLiteStatus Eval(TfLiteContext *context, TfLiteNode *node) {
    tk_normalization_params p = static_cast<const OpData *>(node->user_data)->params;
    const TfLiteEvalTensor *in = tflite::micro::GetEvalInput(context, node, kInput);
    const TfLiteEvalTensor *gains = tflite::micro::GetEvalInput(context, node, kGains);
    const TfLiteEvalTensor *offsets = tflite::micro::GetEvalInput(context, node, kOffsets);
    TfLiteEvalTensor *out = tflite::micro::GetEvalOutput(context, node, kOutput);
    p.gains = tflite::micro::GetTensorData<int32_t>(gains);
    p.offsets = tflite::micro::GetTensorData<int32_t>(offsets);
    tk_normalization(&p, in->data.raw, out->data.raw);
    return kTfLiteOk;
}

} // namespace

const TFLMRegistration *RegisterNormalization() {
    static const TFLMRegistration registration = tflite::micro::RegisterOp(Init, Prepare, Eval);
    return &registration;
}

} // namespace toolkit
