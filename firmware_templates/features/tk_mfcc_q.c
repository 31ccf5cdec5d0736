/* SPDX-License-Identifier: Apache-2.0 */
#include "features.h"
#include "tk_quantise_q.h"

/* log2 in 2^-16 of a number that is not 0, within 2^-16. */
static inline int32_t logarithm(tk_number number) {
    const uint32_t fraction = number.mantissa << 1; /* less the leading one */
    const uint32_t segment = fraction >> 25;
    const uint32_t start = tk_logarithms[segment];
    const uint32_t rise = tk_logarithms[segment + 1] - start;
    const uint32_t within = (rise * ((fraction >> 9) & 0xFFFFu) + 0x8000u) >> 16;
    return (number.exponent + 31) * 65536 + (int32_t)(start + within);
}

static inline tk_number floored(tk_number energy) {
    const tk_number least = {FEATURES_FLOOR_MANTISSA, FEATURES_FLOOR_EXPONENT};
#ifdef FEATURES_FLOOR_ADDED
    return tk_number_add(energy, least);
#else
    const int smaller = energy.mantissa == 0 || energy.exponent < least.exponent ||
                        (energy.exponent == least.exponent && energy.mantissa < least.mantissa);
    return smaller ? least : energy;
#endif
}

void tk_front_init(tk_front *front) {
    tk_level_init(&front->level);
}

void tk_front_row(tk_front *front, const int16_t *frame, int8_t *row) {
    tk_number energies[FEATURES_BANDS];
    int32_t logs[FEATURES_BANDS];
    tk_level_next(&front->level, frame);
    tk_mel_energies(frame, &front->level, front->work, energies);
    for (uint32_t m = 0; m < FEATURES_BANDS; m++) {
        logs[m] = logarithm(floored(energies[m]));
    }
    const int16_t *factor = tk_cosines;
    for (uint32_t k = 0; k < FEATURES_ROW_VALUES; k++) {
        int64_t sum = 0;
        for (uint32_t m = 0; m < FEATURES_BANDS; m++) {
            sum += tk_multiply_s32(logs[m], *factor++);
        }
        row[k] = tk_quantise_q(sum, FEATURES_COSINE_SHIFT + 16);
    }
}
