/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_attention_pool.h"

#include <cstring>

#include "tensorflow/lite/kernels/internal/quantization_util.h"
#include "tensorflow/lite/kernels/kernel_util.h"
#include "tensorflow/lite/micro/kernels/kernel_util.h"
#include "tensorflow/lite/micro/micro_context.h"
#include "tk_tflm.h"

extern "C" {
#include "tk_attention_pool_s8.h"
#include "tk_attention_pool_s8_s16.h"
}

namespace toolkit {
namespace {

constexpr int kLin = 0, kLogits = 1, kTable = 2, kOutput = 0;
constexpr int kTableEntries = 256;
constexpr uint32_t kTableOne = UINT32_C(1) << 30;
constexpr int32_t kMaxFrames = INT32_C(1) << 25;
constexpr double kMaxScaleRatio = 4194304.0; // 2^22
// Options: magic, version 1, time axis 1.
constexpr uint8_t kOptions[8] = {'T', 'K', 'A', 'P', 1, 0, 1, 0};

struct OpData {
    bool options_valid;
    int scratch;
    tk_attention_pool_s8_params params;
};

TfLiteStatus CheckTable(TfLiteContext *context, const TfLiteTensor *table) {
    (void)context; // not used where TFLM leaves its messages out
    TF_LITE_ENSURE_TYPES_EQ(context, table->type, kTfLiteUInt32);
    TF_LITE_ENSURE(context, tflite::IsConstantTensor(table));
    TF_LITE_ENSURE_EQ(context, tflite::NumElements(table), kTableEntries);
    const uint32_t *weights = tflite::GetTensorData<uint32_t>(table);
    for (int i = 0; i < kTableEntries; ++i) {
        TF_LITE_ENSURE(context, weights[i] >= 1 && weights[i] <= kTableOne);
    }
    return kTfLiteOk;
}

TfLiteStatus CheckShapes(TfLiteContext *context, const TfLiteTensor *lin,
                         const TfLiteTensor *logits, const TfLiteTensor *out) {
    (void)context;
    TF_LITE_ENSURE_EQ(context, tflite::NumDimensions(lin), 4);
    TF_LITE_ENSURE(context, TfLiteIntArrayEqual(lin->dims, logits->dims));
    TF_LITE_ENSURE_EQ(context, lin->dims->data[0], 1);
    TF_LITE_ENSURE(context, lin->dims->data[1] <= kMaxFrames);
    TF_LITE_ENSURE_EQ(context, tflite::NumElements(out) * lin->dims->data[1],
                      tflite::NumElements(lin));
    return kTfLiteOk;
}

void *Init(TfLiteContext *context, const char *buffer, size_t length) {
    void *memory = context->AllocatePersistentBuffer(context, sizeof(OpData));
    if (memory != nullptr) {
        auto *data = static_cast<OpData *>(memory);
        data->options_valid =
            length == sizeof(kOptions) && std::memcmp(buffer, kOptions, sizeof(kOptions)) == 0;
    }
    return memory;
}

TfLiteStatus Prepare(TfLiteContext *context, TfLiteNode *node) {
    auto *data = static_cast<OpData *>(node->user_data);
    TF_LITE_ENSURE(context, data != nullptr);
    TF_LITE_ENSURE_MSG(context, data->options_valid, "tk.attention_pool: unknown options");
    TF_LITE_ENSURE_EQ(context, tflite::NumInputs(node), 3);
    TF_LITE_ENSURE_EQ(context, tflite::NumOutputs(node), 1);

    tflite::MicroContext *micro = tflite::GetMicroContext(context);
    const TempTensor lin_temp(micro, micro->AllocateTempInputTensor(node, kLin));
    const TempTensor logits_temp(micro, micro->AllocateTempInputTensor(node, kLogits));
    const TempTensor table_temp(micro, micro->AllocateTempInputTensor(node, kTable));
    const TempTensor out_temp(micro, micro->AllocateTempOutputTensor(node, kOutput));
    const TfLiteTensor *lin = lin_temp.get(), *logits = logits_temp.get();
    const TfLiteTensor *table = table_temp.get(), *out = out_temp.get();
    TF_LITE_ENSURE(context,
                   lin != nullptr && logits != nullptr && table != nullptr && out != nullptr);

    TF_LITE_ENSURE_TYPES_EQ(context, lin->type, kTfLiteInt8);
    TF_LITE_ENSURE_TYPES_EQ(context, logits->type, kTfLiteInt8);
    TF_LITE_ENSURE(context, out->type == kTfLiteInt8 ||
                                (out->type == kTfLiteInt16 && out->params.zero_point == 0));
    TF_LITE_ENSURE_STATUS(CheckShapes(context, lin, logits, out));
    TF_LITE_ENSURE_STATUS(CheckTable(context, table));

    const double ratio =
        static_cast<double>(lin->params.scale) / static_cast<double>(out->params.scale);
    TF_LITE_ENSURE(context, ratio <= kMaxScaleRatio);
    tk_attention_pool_s8_params *p = &data->params;
    int shift = 0;
    tflite::QuantizeMultiplier(ratio / 65536.0, &p->multiplier, &shift);
    p->shift = shift;
    p->frames = lin->dims->data[1];
    p->values = static_cast<int32_t>(tflite::NumElements(out));
    p->lin_zero_point = lin->params.zero_point;
    p->out_zero_point = out->params.zero_point;
    p->table = nullptr; // known at Eval
    return context->RequestScratchBufferInArena(
        context, static_cast<size_t>(p->values) * sizeof(tk_attention_pool_sum), &data->scratch);
}

TfLiteStatus Eval(TfLiteContext *context, TfLiteNode *node) {
    const auto *data = static_cast<const OpData *>(node->user_data);
    const TfLiteEvalTensor *lin = tflite::micro::GetEvalInput(context, node, kLin);
    const TfLiteEvalTensor *logits = tflite::micro::GetEvalInput(context, node, kLogits);
    const TfLiteEvalTensor *table = tflite::micro::GetEvalInput(context, node, kTable);
    TfLiteEvalTensor *out = tflite::micro::GetEvalOutput(context, node, kOutput);
    void *scratch = context->GetScratchBuffer(context, data->scratch);

    tk_attention_pool_s8_params params = data->params;
    params.table = tflite::micro::GetTensorData<uint32_t>(table);
    const int8_t *x = tflite::micro::GetTensorData<int8_t>(lin);
    const int8_t *s = tflite::micro::GetTensorData<int8_t>(logits);
    if (out->type == kTfLiteInt16) {
        tk_attention_pool_s8_s16(&params, x, s, tflite::micro::GetTensorData<int16_t>(out),
                                 scratch);
    } else {
        tk_attention_pool_s8(&params, x, s, tflite::micro::GetTensorData<int8_t>(out), scratch);
    }
    return kTfLiteOk;
}

} // namespace

const TFLMRegistration *RegisterAttentionPool() {
    static const TFLMRegistration registration = tflite::micro::RegisterOp(Init, Prepare, Eval);
    return &registration;
}

} // namespace toolkit
