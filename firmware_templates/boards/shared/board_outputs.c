/* SPDX-License-Identifier: Apache-2.0 */
/* The model's outputs: into the results, and for people. */
#include "board_outputs.h"

#include "board.h"
#include "board_results.h"

void board_outputs_take(const model *m) {
    uint32_t at = 0;
    for (uint32_t index = 0; index < MODEL_OUTPUTS; index++) {
        __builtin_memcpy(board_results.outputs + at, model_output(m, index),
                         model_output_bytes[index]);
        at += model_output_bytes[index];
    }
    board_results.output_bytes = at;
}

static int32_t value_at(const uint8_t *bytes, uint32_t size) {
    if (size == 1u) {
        return (int8_t)bytes[0];
    }
    if (size == 2u) {
        return (int16_t)(uint16_t)(bytes[0] | (uint32_t)bytes[1] << 8);
    }
    uint32_t word;
    __builtin_memcpy(&word, bytes, sizeof word);
    return (int32_t)word;
}

/* Of a long output only the first values. */
#define PRINTED 8u

void board_outputs_print(void) {
    const uint8_t *bytes = board_results.outputs;
    for (uint32_t index = 0; index < BOARD_OUTPUTS; index++) {
        const board_output *output = board_outputs + index;
        for (uint32_t i = 0; i < output->elements && i < PRINTED; i++) {
            const int32_t q = value_at(bytes + i * output->element_bytes, output->element_bytes);
            const float real = output->scale * (float)(q - output->zero_point);
            if (output->labels != NULL) {
                board_print(output->labels[i]);
            } else {
                board_print("output ");
                board_print_number(index, 0);
                board_print(" value ");
                board_print_number(i, 0);
            }
            board_print(" ");
            board_print_number((int64_t)(real * 1000.0F + (real < 0.0F ? -0.5F : 0.5F)), 3);
            board_print("\n");
        }
        bytes += output->elements * output->element_bytes;
    }
}
