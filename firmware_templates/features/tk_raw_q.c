/* SPDX-License-Identifier: Apache-2.0 */
#include "features.h"
#include "tk_multiply_q.h"
#include "tk_quantise_q.h"

void tk_front_init(tk_front *front) {
    tk_level_init(&front->level);
}

void tk_front_row(tk_front *front, const int16_t *frame, tk_value *row) {
    const tk_number unit = {FEATURES_STEPS_PER_SAMPLE, FEATURES_STEPS_EXPONENT};
    tk_level_next(&front->level, frame);
    /* Steps per sample: a mantissa of 31 bits keeps the product with 31 bits within 62. */
    const tk_number steps = tk_number_multiply(front->level.gain, unit);
    const int32_t factor = (int32_t)(steps.mantissa >> 1);
    const int32_t fraction = TK_LEVEL_FRACTION - 1 - steps.exponent;
    for (uint32_t i = 0; i < FEATURES_FRAME_SAMPLES; i++) {
        const int64_t value = tk_multiply_s32(tk_level_centred(&front->level, frame[i]), factor);
        row[i] = tk_quantise_q(value, fraction);
    }
}
