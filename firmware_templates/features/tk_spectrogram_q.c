/* SPDX-License-Identifier: Apache-2.0 */
/* The bins of the FFT in integers: a row is their quantised strengths, or logarithms of these. */
#include "features.h"
#include "tk_edges.h"

void tk_front_row(tk_front *front, const int16_t *frame, tk_value *row) {
    tk_level_next(&front->level, frame);
    const int32_t exponent = tk_bins(frame, &front->level, front->work);
    for (uint32_t k = 0; k <= FEATURES_FFT_POINTS; k++) {
        const tk_number strength = tk_bin_strength(front->work[k], exponent);
        const tk_number energy = tk_number_multiply(strength, front->level.gain);
        row[k] = tk_edges_feature(tk_number_bits(TK_LIMITED(front, energy)));
    }
}
