/* SPDX-License-Identifier: Apache-2.0 */
/* Float32 features to the int8 of the model's input. */
#ifndef TK_QUANTISE_H
#define TK_QUANTISE_H

#include <stdint.h>

/* floor(steps + 0.5) + zero point, clamped to int8; `steps` is a feature over the input's scale. */
static inline int8_t tk_quantise(float steps) {
    const float least = (float)(-128 - FEATURES_ZERO_POINT);
    const float most = (float)(127 - FEATURES_ZERO_POINT);
    float rounded = steps + 0.5F;
    rounded = rounded > least ? rounded : least;
    rounded = rounded < most ? rounded : most;
    int32_t whole = (int32_t)rounded;
    if ((float)whole > rounded) {
        whole--;
    }
    return (int8_t)(whole + FEATURES_ZERO_POINT);
}

/* The value of a row: int8, or steps as they are where rows are kept. */
static inline tk_value tk_rounded(float steps) {
#ifdef FEATURES_KEPT
    return steps;
#else
    return tk_quantise(steps);
#endif
}

#endif
