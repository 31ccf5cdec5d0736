/* SPDX-License-Identifier: Apache-2.0 */
#include "wav2small_tk_sums.h"

#include "wav2small_tk_compiler.h"

#if defined(__ARM_FEATURE_DSP)
#include <arm_acle.h>
#endif

wav2small_tk_sums wav2small_tk_sum_block(const int16_t *samples, size_t count) {
    int32_t linear = 0;
    int64_t squares = 0;
#if defined(__ARM_FEATURE_DSP)
    for (; count >= 2; count -= 2, samples += 2) {
        int16x2_t pair;
        WAV2SMALL_TK_COPY(&pair, samples, sizeof pair);
        linear = __smlad(pair, 0x00010001, linear);
        squares = __smlald(pair, pair, squares);
    }
#endif
    for (; count > 0; count--, samples++) {
        linear += *samples;
        squares += *samples * *samples;
    }
    const wav2small_tk_sums sums = {linear, squares};
    return sums;
}

wav2small_tk_sums wav2small_tk_sum_clip(const int16_t *clip, size_t count) {
    wav2small_tk_sums sums = {0, 0};
    while (count > 0) {
        const size_t block = count < 32768u ? count : 32768u;
        const wav2small_tk_sums part = wav2small_tk_sum_block(clip, block);
        sums.linear += part.linear;
        sums.squares += part.squares;
        clip += block;
        count -= block;
    }
    return sums;
}
