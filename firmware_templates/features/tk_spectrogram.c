/* SPDX-License-Identifier: Apache-2.0 */
/* The bins of the FFT in float32: a row is their quantised strengths, or logarithms of these. */
#include "features.h"
#include "tk_edges.h"

void tk_front_row(tk_front *front, const int16_t *frame, tk_value *row) {
    tk_level_next(&front->level, frame);
    const float gain = front->level.gain;
    tk_bins(frame, front->level.mean, front->work);
    for (uint32_t k = 0; k <= FEATURES_FFT_POINTS; k++) {
        union {
            float value;
            uint32_t bits;
        } number;
        number.value = TK_LIMITED(front, front->work[k].re * gain);
        row[k] = tk_edges_feature(number.bits);
    }
}
