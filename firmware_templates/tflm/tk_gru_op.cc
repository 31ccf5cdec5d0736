/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_gru_op.h"

#include <cmath>

#include "tensorflow/lite/kernels/internal/common.h"
#include "tensorflow/lite/kernels/internal/quantization_util.h"
#include "tensorflow/lite/kernels/kernel_util.h"
#include "tensorflow/lite/micro/kernels/kernel_util.h"
#include "tensorflow/lite/micro/micro_context.h"
#include "tk_tflm.h"

extern "C" {
#include "tk_gru.h"
#include "tk_gru_begun.h"
#include "tk_recurrent.h"
}

namespace toolkit {
namespace {

constexpr int kInput = 0, kInWeights = 1, kStateWeights = 2, kInBias = 3, kStateBias = 4;
constexpr int kInitial = 5, kOutput = 0;
constexpr int kGates = 3, kRecord = 4, kSigmoidEntries = 256;
// Options: magic, version 1, axis, reverse, reset after (2 bytes each).
constexpr size_t kOptionsBytes = 12;
constexpr double kStateScale = 1.0 / 32768, kGateOne = 4096;

struct OpData {
    bool options_valid, begun;
    int axis, scratch;
    tk_gru_params params;
};

void *Init(TfLiteContext *context, const char *buffer, size_t length) {
    void *memory = context->AllocatePersistentBuffer(context, sizeof(OpData));
    if (memory == nullptr) {
        return nullptr;
    }
    auto *data = static_cast<OpData *>(memory);
    data->options_valid = IsVersion1(buffer, length, kOptionsBytes, "TKGR");
    if (data->options_valid) {
        data->axis = static_cast<int>(LittleEndian(buffer + 6, 2));
        data->params.reverse = LittleEndian(buffer + 8, 2) != 0;
        data->params.reset_after = LittleEndian(buffer + 10, 2) != 0;
    }
    return memory;
}

bool IsMatrix(const TfLiteTensor *tensor, int rows, int columns) {
    return tensor != nullptr && tensor->type == kTfLiteInt8 && tflite::IsConstantTensor(tensor) &&
           tensor->dims->size == 2 && tensor->dims->data[0] == rows &&
           tensor->dims->data[1] == columns;
}

// The rows of a matrix [gates][units][values] unit by unit, in memory of the arena.
const int8_t *ByUnit(TfLiteContext *context, const TfLiteTensor *matrix, int units, int values) {
    const size_t bytes = static_cast<size_t>(kGates) * units * values;
    auto *rows = static_cast<int8_t *>(context->AllocatePersistentBuffer(context, bytes));
    const int8_t *given = tflite::GetTensorData<int8_t>(matrix);
    for (int gate = 0; rows != nullptr && gate < kGates; ++gate) {
        for (int unit = 0; unit < units; ++unit) {
            std::memcpy(rows + (unit * kGates + gate) * values,
                        given + (gate * units + unit) * values, static_cast<size_t>(values));
        }
    }
    return rows;
}

// How the sums of a matrix, of a vector of that scale, and its bias become gates' arguments:
// records of tk_recurrent.h, unit by unit; null where that fails.
const int32_t *Records(TfLiteContext *context, const TfLiteTensor *matrix, const TfLiteTensor *bias,
                       int units, double scale) {
    const auto *quant = static_cast<const TfLiteAffineQuantization *>(matrix->quantization.params);
    const int rows = kGates * units;
    const bool wide = bias != nullptr && bias->type == kTfLiteInt64;
    if (quant == nullptr || (quant->scale->size != 1 && quant->scale->size != rows) ||
        !IsConstant(bias, wide ? kTfLiteInt64 : kTfLiteInt32, rows)) {
        return nullptr;
    }
    const size_t bytes = sizeof(int32_t) * kRecord * rows;
    auto *records = static_cast<int32_t *>(context->AllocatePersistentBuffer(context, bytes));
    for (int row = 0; records != nullptr && row < rows; ++row) {
        const float own = quant->scale->data[quant->scale->size == 1 ? 0 : row];
        int32_t multiplier = 0;
        int shift = 0;
        tflite::QuantizeMultiplier(scale * static_cast<double>(own) * kGateOne, &multiplier,
                                   &shift);
        const int left = shift > 0 ? shift : 0, right = shift > 0 ? 0 : -shift;
        int32_t *record = records + (row % units * kGates + row / units) * kRecord;
        record[0] = wide ? static_cast<int32_t>(tflite::GetTensorData<int64_t>(bias)[row])
                         : tflite::GetTensorData<int32_t>(bias)[row];
        record[1] = multiplier;
        record[2] = right > 0 ? INT32_C(1) << (right - 1) : 0;
        record[3] = (left + 1) | right << 8;
    }
    return records;
}

const int16_t *Sigmoid(TfLiteContext *context) {
    const size_t bytes = sizeof(int16_t) * kSigmoidEntries;
    auto *table = static_cast<int16_t *>(context->AllocatePersistentBuffer(context, bytes));
    for (int at = 0; table != nullptr && at < kSigmoidEntries; ++at) {
        table[at] = static_cast<int16_t>(tflite::sigmoid_table_uint16[at] - 32768);
    }
    return table;
}

// Extents of the loop from the shape of the input.
void TakeShape(const TfLiteTensor *in, int axis, tk_gru_params *p) {
    const int last = in->dims->size - 1;
    p->outer = p->inner = 1;
    for (int at = 0; at < last; ++at) {
        if (at != axis) {
            (at < axis ? p->outer : p->inner) *= in->dims->data[at];
        }
    }
    p->steps = in->dims->data[axis];
    p->inputs = in->dims->data[last];
}

TfLiteStatus TakeInitial(TfLiteContext *context, const TfLiteTensor *initial, OpData *data) {
    (void)context; // not used where TFLM leaves its messages out
    const tk_gru_params *p = &data->params;
    TF_LITE_ENSURE_TYPES_EQ(context, initial->type, kTfLiteInt16);
    TF_LITE_ENSURE_EQ(context, tflite::NumElements(initial), p->inner * p->units);
    TF_LITE_ENSURE(context, initial->params.zero_point == 0 &&
                                static_cast<double>(initial->params.scale) == kStateScale);
    data->begun = !tflite::IsConstantTensor(initial);
    TF_LITE_ENSURE(context, !data->begun || p->outer == 1);
    data->params.given = !data->begun;
    return kTfLiteOk;
}

TfLiteStatus Prepare(TfLiteContext *context, TfLiteNode *node) {
    auto *data = static_cast<OpData *>(node->user_data);
    TF_LITE_ENSURE(context, data != nullptr);
    TF_LITE_ENSURE_MSG(context, data->options_valid, "tk.gru: unknown options");
    const int inputs = tflite::NumInputs(node);
    TF_LITE_ENSURE(context, inputs == 5 || inputs == 6);
    TF_LITE_ENSURE_EQ(context, tflite::NumOutputs(node), 1);
    tflite::MicroContext *micro = tflite::GetMicroContext(context);
    const TempTensor in_temp(micro, micro->AllocateTempInputTensor(node, kInput));
    const TempTensor weights_temp(micro, micro->AllocateTempInputTensor(node, kInWeights));
    const TempTensor state_temp(micro, micro->AllocateTempInputTensor(node, kStateWeights));
    const TempTensor in_bias_temp(micro, micro->AllocateTempInputTensor(node, kInBias));
    const TempTensor state_bias_temp(micro, micro->AllocateTempInputTensor(node, kStateBias));
    const TempTensor out_temp(micro, micro->AllocateTempOutputTensor(node, kOutput));
    const TfLiteTensor *in = in_temp.get(), *out = out_temp.get();
    const TfLiteTensor *weights = weights_temp.get(), *state = state_temp.get();
    TF_LITE_ENSURE(context, IsActivation(in) && IsActivation(out) && in->type == out->type);
    TF_LITE_ENSURE(context, data->axis < in->dims->size - 1 && out->dims->size == in->dims->size);

    tk_gru_params *p = &data->params;
    TakeShape(in, data->axis, p);
    p->units = out->dims->data[out->dims->size - 1];
    TF_LITE_ENSURE(context, IsMatrix(weights, kGates * p->units, p->inputs));
    TF_LITE_ENSURE(context, IsMatrix(state, kGates * p->units, p->units));
    p->element_bytes = out->type == kTfLiteInt16 ? 2 : 1;
    p->in_zero_point = in->params.zero_point;
    p->out_zero_point = out->params.zero_point;
    int shift = 0;
    tflite::QuantizeMultiplier(kStateScale / static_cast<double>(out->params.scale),
                               &p->out_multiplier, &shift);
    p->out_shift = shift;
    p->in_rescale = Records(context, weights, in_bias_temp.get(), p->units,
                            static_cast<double>(in->params.scale));
    p->state_rescale = Records(context, state, state_bias_temp.get(), p->units, kStateScale);
    p->in_weights = ByUnit(context, weights, p->units, p->inputs);
    p->state_weights = ByUnit(context, state, p->units, p->units);
    p->sigmoid = Sigmoid(context);
    TF_LITE_ENSURE(context, p->in_rescale != nullptr && p->state_rescale != nullptr &&
                                p->in_weights != nullptr && p->state_weights != nullptr &&
                                p->sigmoid != nullptr);
    p->given = 0;
    p->initial = nullptr; // known at Eval
    data->begun = false;
    if (inputs == 6) {
        const TempTensor initial(micro, micro->AllocateTempInputTensor(node, kInitial));
        TF_LITE_ENSURE(context, initial.get() != nullptr);
        TF_LITE_ENSURE_STATUS(TakeInitial(context, initial.get(), data));
    }
    const int32_t room =
        tk_recurrent_filled(p->inputs) + (2 + p->inner) * tk_recurrent_filled(p->units);
    return context->RequestScratchBufferInArena(
        context, sizeof(int16_t) * static_cast<size_t>(room), &data->scratch);
}

TfLiteStatus Eval(TfLiteContext *context, TfLiteNode *node) {
    const auto *data = static_cast<const OpData *>(node->user_data);
    const TfLiteEvalTensor *in = tflite::micro::GetEvalInput(context, node, kInput);
    TfLiteEvalTensor *out = tflite::micro::GetEvalOutput(context, node, kOutput);
    void *scratch = context->GetScratchBuffer(context, data->scratch);
    tk_gru_params p = data->params;
    const int16_t *initial = nullptr;
    if (p.given || data->begun) {
        initial = tflite::micro::GetTensorData<int16_t>(
            tflite::micro::GetEvalInput(context, node, kInitial));
    }
    if (data->begun) {
        tk_gru_begun(&p, in->data.raw, initial, out->data.raw, scratch);
    } else {
        p.initial = initial;
        tk_gru(&p, in->data.raw, out->data.raw, scratch);
    }
    return kTfLiteOk;
}

} // namespace

const TFLMRegistration *RegisterGru() {
    static const TFLMRegistration registration = tflite::micro::RegisterOp(Init, Prepare, Eval);
    return &registration;
}

} // namespace toolkit
