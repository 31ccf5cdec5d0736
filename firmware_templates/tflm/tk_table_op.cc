/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_table_op.h"

#include "tensorflow/lite/kernels/internal/quantization_util.h"
#include "tensorflow/lite/kernels/kernel_util.h"
#include "tensorflow/lite/micro/kernels/kernel_util.h"
#include "tensorflow/lite/micro/micro_context.h"
#include "tk_tflm.h"

extern "C" {
#include "tk_lookup_s8.h"
#include "tk_table_s16_s16.h"
#include "tk_table_s8_s16.h"
}

namespace toolkit {
namespace {

constexpr int kInput = 0, kTable = 1, kOutput = 0;
constexpr int kEntriesInt8 = 256, kEntriesInt16 = 513;
// Options: magic, version 1.
constexpr size_t kOptionsBytes = 6;

struct OpData {
    bool options_valid;
    int32_t count;
};

void *Init(TfLiteContext *context, const char *buffer, size_t length) {
    void *memory = context->AllocatePersistentBuffer(context, sizeof(OpData));
    if (memory != nullptr) {
        static_cast<OpData *>(memory)->options_valid =
            IsVersion1(buffer, length, kOptionsBytes, "TKTA");
    }
    return memory;
}

TfLiteStatus Prepare(TfLiteContext *context, TfLiteNode *node) {
    auto *data = static_cast<OpData *>(node->user_data);
    TF_LITE_ENSURE(context, data != nullptr);
    TF_LITE_ENSURE_MSG(context, data->options_valid, "tk.table: unknown options");
    TF_LITE_ENSURE_EQ(context, tflite::NumInputs(node), 2);
    TF_LITE_ENSURE_EQ(context, tflite::NumOutputs(node), 1);
    tflite::MicroContext *micro = tflite::GetMicroContext(context);
    const TempTensor in_temp(micro, micro->AllocateTempInputTensor(node, kInput));
    const TempTensor table_temp(micro, micro->AllocateTempInputTensor(node, kTable));
    const TempTensor out_temp(micro, micro->AllocateTempOutputTensor(node, kOutput));
    const TfLiteTensor *in = in_temp.get(), *out = out_temp.get();
    TF_LITE_ENSURE(context, IsActivation(in) && IsActivation(out));
    const bool narrow = in->type == kTfLiteInt8;
    TF_LITE_ENSURE(context, narrow || out->type == kTfLiteInt16);
    TF_LITE_ENSURE(context,
                   IsConstant(table_temp.get(), out->type, narrow ? kEntriesInt8 : kEntriesInt16));
    TF_LITE_ENSURE_EQ(context, tflite::NumElements(in), tflite::NumElements(out));
    data->count = static_cast<int32_t>(tflite::NumElements(out));
    return kTfLiteOk;
}

TfLiteStatus Eval(TfLiteContext *context, TfLiteNode *node) {
    const int32_t count = static_cast<const OpData *>(node->user_data)->count;
    const TfLiteEvalTensor *in = tflite::micro::GetEvalInput(context, node, kInput);
    const TfLiteEvalTensor *table = tflite::micro::GetEvalInput(context, node, kTable);
    TfLiteEvalTensor *out = tflite::micro::GetEvalOutput(context, node, kOutput);
    if (out->type == kTfLiteInt8) {
        const tk_lookup_s8_params p = {count, tflite::micro::GetTensorData<int8_t>(table)};
        tk_lookup_s8(&p, tflite::micro::GetTensorData<int8_t>(in),
                     tflite::micro::GetTensorData<int8_t>(out));
        return kTfLiteOk;
    }
    const int16_t *entries = tflite::micro::GetTensorData<int16_t>(table);
    int16_t *made = tflite::micro::GetTensorData<int16_t>(out);
    if (in->type == kTfLiteInt8) {
        const tk_table_s8_s16_params p = {count, entries};
        tk_table_s8_s16(&p, tflite::micro::GetTensorData<int8_t>(in), made);
    } else {
        const tk_table_s16_s16_params p = {count, entries};
        tk_table_s16_s16(&p, tflite::micro::GetTensorData<int16_t>(in), made);
    }
    return kTfLiteOk;
}

} // namespace

const TFLMRegistration *RegisterTable() {
    static const TFLMRegistration registration = tflite::micro::RegisterOp(Init, Prepare, Eval);
    return &registration;
}

} // namespace toolkit
