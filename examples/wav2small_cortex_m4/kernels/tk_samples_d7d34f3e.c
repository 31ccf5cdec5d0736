/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_samples_d7d34f3e.h"

void tk_d7d34f3e_samples_q31(const int32_t *in, size_t count, int16_t *out) {
    for (size_t i = 0; i < count; ++i) {
        const int32_t value = in[i];
        const int32_t nearest = value < 0 ? (value + 32767) >> 16 : ((value >> 15) + 1) >> 1;
        out[i] = (int16_t)(nearest > INT16_MAX ? INT16_MAX : nearest);
    }
}

static int16_t from_float(float value) {
    const float scaled = value * 32768.0f;
    if (!(scaled > -32768.0f)) {
        return (int16_t)(scaled <= -32768.0f ? INT16_MIN : 0);
    }
    if (scaled >= 32767.0f) {
        return INT16_MAX;
    }
    const int32_t whole = (int32_t)scaled;
    const float rest = scaled - (float)whole; /* exact, unlike scaled + 0.5 */
    return (int16_t)(whole + (rest >= 0.5f) - (rest <= -0.5f));
}

void tk_d7d34f3e_samples_f32(const float *in, size_t count, int16_t *out) {
    for (size_t i = 0; i < count; ++i) {
        out[i] = from_float(in[i]);
    }
}
