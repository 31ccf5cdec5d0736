/* SPDX-License-Identifier: Apache-2.0 */
/* Log-mel features in integers: a row is the quantised logarithm of the mel energies. */
#include "features.h"
#include "tk_edges.h"

void tk_front_row(tk_front *front, const int16_t *frame, tk_value *row) {
    tk_number energies[FEATURES_BANDS];
    tk_level_next(&front->level, frame);
    tk_mel_energies(frame, &front->level, front->work, energies);
    for (uint32_t m = 0; m < FEATURES_BANDS; m++) {
        row[m] = tk_edges_feature(tk_number_bits(TK_LIMITED(front, energies[m])));
    }
}
