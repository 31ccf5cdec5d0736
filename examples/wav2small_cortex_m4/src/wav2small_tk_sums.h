/* SPDX-License-Identifier: Apache-2.0 */
/* Exact sums of samples and of their squares: what a level is measured from. */
#ifndef WAV2SMALL_TK_SUMS_H
#define WAV2SMALL_TK_SUMS_H

#include <stddef.h>
#include <stdint.h>

typedef struct wav2small_tk_sums {
    int64_t linear;
    int64_t squares;
} wav2small_tk_sums;

/* Of up to 65535 samples. */
wav2small_tk_sums wav2small_tk_sum_block(const int16_t *samples, size_t count);

/* Of a clip of any length up to 2^32 samples. */
wav2small_tk_sums wav2small_tk_sum_clip(const int16_t *clip, size_t count);

#endif
