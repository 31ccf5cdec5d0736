/* SPDX-License-Identifier: Apache-2.0 */
/* Reads packed weights as the headers of the kernels describe them, and nothing else.
 *
 * w(channel, value) of each layout goes to out[channels][values]. */
#include <stdint.h>

static int32_t half(uint32_t word, int32_t which) {
    return (int16_t)(word >> (16 * which));
}

/* tk_conv_2d_s8_dsp.h, weight_bits 16. */
void read_patch_w16(const uint32_t *words, int32_t channels, int32_t values, int32_t *out) {
    const uint8_t *at = (const uint8_t *)words;
    for (int32_t c = 0; c + 1 < channels; c += 2) {
        for (int32_t i = 0; i < values; i += 2, at += 8) {
            const uint32_t *pair = (const uint32_t *)(const void *)at;
            out[c * values + i] = half(pair[0], 0) / 2;
            out[c * values + i + 1] = half(pair[0], 1) / 2;
            out[(c + 1) * values + i] = half(pair[1], 0) / 2;
            out[(c + 1) * values + i + 1] = half(pair[1], 1) / 2;
        }
    }
    for (int32_t i = 0; channels % 2 != 0 && i < values; i += 1, at += 2) {
        out[(channels - 1) * values + i] = *(const int16_t *)(const void *)at / 2;
    }
}

/* tk_conv_2d_s8_dsp.h, weight_bits 8, and tk_conv_2d_s16_dsp.h. */
void read_patch_w8(const uint32_t *words, int32_t channels, int32_t values, int32_t *out) {
    const int8_t *at = (const int8_t *)words;
    for (int32_t c = 0; c + 1 < channels; c += 2) {
        for (int32_t i = 0; i < values; i += 2, at += 4) {
            out[c * values + i] = at[0];
            out[(c + 1) * values + i] = at[1];
            out[c * values + i + 1] = at[2];
            out[(c + 1) * values + i + 1] = at[3];
        }
    }
    int32_t *last = out + (channels - 1) * values;
    for (int32_t i = 0; channels % 2 != 0 && i < values; i += 4, at += 4) {
        last[i] = at[0];
        last[i + 2] = at[1];
        last[i + 1] = at[2];
        last[i + 3] = at[3];
    }
}

/* tk_short_block.h: values in the order of the pairs, then bias, multiplier, rounding, shift. */
void read_short(const uint32_t *words, int32_t channels, int32_t pairs, int32_t *out) {
    const int32_t row = 2 * pairs + 4;
    for (int32_t c = 0; c < channels;) {
        const int32_t group = c + 3 <= channels ? 3 : 1;
        for (int32_t i = 0; i < group; ++i, ++c) {
            int32_t *const to = out + c * row;
            for (int32_t j = 0; j < pairs; ++j) {
                to[2 * j] = half(words[group + group * j + i], 0) / 2;
                to[2 * j + 1] = half(words[group + group * j + i], 1) / 2;
            }
            to[2 * pairs] = (int32_t)words[i];
            for (int32_t k = 0; k < 3; ++k) {
                to[2 * pairs + 1 + k] = (int32_t)words[group + group * pairs + 3 * i + k];
            }
        }
        words += group * (4 + pairs);
    }
}

/* tk_winograd_2x2.h: out[16][channels][2 * pairs]; `chunk` pairs in a chunk, but for the last. */
void read_winograd(const uint32_t *words, int32_t channels, int32_t pairs, int32_t chunk,
                   int32_t *out) {
    for (int32_t begin = 0; begin < pairs; begin += chunk) {
        const int32_t here = pairs - begin < chunk ? pairs - begin : chunk;
        for (int32_t position = 0; position < 16; ++position) {
            for (int32_t c = 0; c < channels; ++c) {
                for (int32_t pair = 0; pair < here; ++pair) {
                    const uint32_t word = words[(position * channels + c) * here + pair];
                    int32_t *const to =
                        out + ((position * channels + c) * pairs + begin + pair) * 2;
                    to[0] = half(word, 0);
                    to[1] = half(word, 1);
                }
            }
        }
        words += 16 * channels * here;
    }
}

/* tk_recurrent_dsp.h: out[units][gates][values]. */
void read_recurrent(const int8_t *bytes, int32_t units, int32_t gates, int32_t values,
                    int32_t *out) {
    for (int32_t unit = 0; unit < units; ++unit) {
        for (int32_t v = 0; v < values; v += 4) {
            for (int32_t gate = 0; gate < gates; ++gate, bytes += 4) {
                int32_t *const to = out + (unit * gates + gate) * values + v;
                to[0] = bytes[0];
                to[2] = bytes[1];
                to[1] = bytes[2];
                to[3] = bytes[3];
            }
        }
    }
}
