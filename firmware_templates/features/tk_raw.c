/* SPDX-License-Identifier: Apache-2.0 */
#include "features.h"
#include "tk_quantise.h"

void tk_front_init(tk_front *front) {
    tk_level_init(&front->level);
}

void tk_front_row(tk_front *front, const int16_t *frame, tk_value *row) {
    tk_level_next(&front->level, frame);
    const float steps = front->level.gain * FEATURES_STEPS_PER_SAMPLE;
    for (uint32_t i = 0; i < FEATURES_FRAME_SAMPLES; i++) {
        row[i] = tk_quantise(((float)frame[i] - front->level.mean) * steps);
    }
}
