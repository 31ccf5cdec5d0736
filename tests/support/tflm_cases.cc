/* SPDX-License-Identifier: Apache-2.0 */
// Runs models of the toolkit's custom operators in TFLM's interpreter, on a workstation.
//
// Standard input:  u32 cases; per case u32 bytes of the .tflite, the .tflite, u32 bytes of all
//                  inputs, these.
// Standard output: per case u32 whether it ran; if so, the output's bytes.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tk_attention_pool.h"
#include "tk_gru_op.h"
#include "tk_normalization_op.h"
#include "tk_table_op.h"

namespace {

constexpr size_t kArenaBytes = 1u << 20, kFileBytes = 1u << 20;
alignas(16) uint8_t arena[kArenaBytes];
alignas(16) uint8_t file[kFileBytes];

void Read(void *destination, size_t size) {
    if (std::fread(destination, 1, size, stdin) != size) {
        std::abort();
    }
}

uint32_t ReadU32() {
    uint32_t value;
    Read(&value, sizeof(value));
    return value;
}

void Write(const void *source, size_t size) {
    std::fwrite(source, 1, size, stdout);
}

} // namespace

int main() {
    for (uint32_t left = ReadU32(); left > 0; left--) {
        const uint32_t bytes = ReadU32();
        if (bytes > kFileBytes) {
            std::abort();
        }
        Read(file, bytes);
        std::vector<uint8_t> values(ReadU32());
        Read(values.data(), values.size());

        tflite::MicroMutableOpResolver<4> resolver;
        resolver.AddCustom(toolkit::kAttentionPoolName, toolkit::RegisterAttentionPool());
        resolver.AddCustom(toolkit::kGruName, toolkit::RegisterGru());
        resolver.AddCustom(toolkit::kNormalizationName, toolkit::RegisterNormalization());
        resolver.AddCustom(toolkit::kTableName, toolkit::RegisterTable());
        tflite::MicroInterpreter interpreter(tflite::GetModel(file), resolver, arena, kArenaBytes);
        uint32_t ran = interpreter.AllocateTensors() == kTfLiteOk;
        const uint8_t *next = values.data();
        for (size_t index = 0; ran && index < interpreter.inputs_size(); index++) {
            TfLiteTensor *input = interpreter.input(index);
            for (size_t at = 0; at < input->bytes; at++) {
                input->data.uint8[at] = *next++;
            }
        }
        ran = ran && interpreter.Invoke() == kTfLiteOk;
        Write(&ran, sizeof(ran));
        if (ran) {
            Write(interpreter.output(0)->data.data, interpreter.output(0)->bytes);
        }
    }
    return 0;
}
