/* SPDX-License-Identifier: Apache-2.0 */
/* Audio features of this model: generated, do not edit.
 *
 * audio   16000 Hz, int16, full scale 32768
 * level   running mean and mean square, time constant 3 s (epsilon 1e-07)
 * frames  64 samples every 32, periodic Hann window
 * bands   26 mel bands (slaney scale, area norm, straight in hz),
 *         0 to 8000 Hz, of the power of a 64-point FFT
 * output  10 log10(max(energy, 1e-10)), quantised to int8
 * input   scale 0.489361, zero point 76
 */
#ifndef WAV2SMALL_FEATURES_H
#define WAV2SMALL_FEATURES_H

#include <stddef.h>
#include <stdint.h>

#ifdef ARDUINO
/* No floating contraction: every compiler and machine gives the same bits.  Arduino's build takes
 * no flags of a library. */
#if defined(__clang__)
#pragma clang fp contract(off)
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif
#endif

#define WAV2SMALL_FEATURES_SAMPLE_RATE_HZ 16000u
#define WAV2SMALL_FEATURES_FRAME_SAMPLES 64u
#define WAV2SMALL_FEATURES_HOP_SAMPLES 32u
#define WAV2SMALL_FEATURES_ROW_VALUES 26u
#define WAV2SMALL_FEATURES_BUFFER_SAMPLES 64u
#define WAV2SMALL_FEATURES_STATE_BYTES 424u
/* Samples that count as audio before the first one. */
#define WAV2SMALL_FEATURES_PADDING_SAMPLES 0u
/* The same after the last one, and rows that only the end completes; their sum: steps of
 * wav2small_features_end. */
#define WAV2SMALL_FEATURES_TAIL_SAMPLES 0u
#define WAV2SMALL_FEATURES_END_ROWS 0u
#define WAV2SMALL_FEATURES_END_STEPS (WAV2SMALL_FEATURES_TAIL_SAMPLES + WAV2SMALL_FEATURES_END_ROWS)

/* Level normalisation. */
#define WAV2SMALL_FEATURES_LEVEL_RUNNING 1
#define WAV2SMALL_FEATURES_LEVEL_INITIAL 1.0F
#define WAV2SMALL_FEATURES_LEVEL_EPSILON 1e-07F
#define WAV2SMALL_FEATURES_LEVEL_SMOOTHING 0.0006664445F
#define WAV2SMALL_FEATURES_LEVEL_WARMUP_FRAMES 1500u
#define WAV2SMALL_FEATURES_FFT_SAMPLES 64u
#define WAV2SMALL_FEATURES_FFT_FIRST 8
#define WAV2SMALL_FEATURES_FFT_TWIDDLES 24u
#define WAV2SMALL_FEATURES_BANDS 26u
#define WAV2SMALL_FEATURES_LEAST (-128) /* the smallest feature */
#define WAV2SMALL_FEATURES_EDGES 255u
#define WAV2SMALL_FEATURES_BUCKETS 1024
#define WAV2SMALL_FEATURES_BUCKET_SHIFT 19
#define WAV2SMALL_FEATURES_FIRST_BUCKET 787480576

#ifndef WAV2SMALL_FEATURES_VALUES
#define WAV2SMALL_FEATURES_VALUES WAV2SMALL_FEATURES_ROW_VALUES
#endif

#include "wav2small_tk_spectrum.h"
/* Uses what the header above defines. */
#include "wav2small_tk_features.h"

typedef wav2small_tk_features_state wav2small_features_state;

void wav2small_features_init(wav2small_features_state *s);

/* Push any number of samples; writes the completed rows of WAV2SMALL_FEATURES_ROW_VALUES int8 to `rows`,
 * which must hold count / WAV2SMALL_FEATURES_HOP_SAMPLES + 1 of them, and returns how many there were. */
size_t wav2small_features_push(wav2small_features_state *s, const int16_t *samples, size_t count, int8_t *rows);

/* Samples that complete the next row. */
static inline size_t wav2small_features_wanted(const wav2small_features_state *s) {
    return s->gap + WAV2SMALL_FEATURES_FRAME_SAMPLES - s->filled;
}

/* Whether no frame was there yet, as far as rows wait for others. */
static inline int wav2small_features_fresh(const wav2small_features_state *s) {
    return wav2small_tk_features_fresh(s);
}

/* Frames that `count` more samples would complete. */
static inline size_t wav2small_features_frames(const wav2small_features_state *s, size_t count) {
    const size_t wanted = wav2small_features_wanted(s);
    return count < wanted ? 0u : 1u + (count - wanted) / WAV2SMALL_FEATURES_HOP_SAMPLES;
}

/* Rows that `count` more samples would complete. */
static inline size_t wav2small_features_rows(const wav2small_features_state *s, size_t count) {
    return wav2small_tk_features_rows(s, wav2small_features_frames(s, count));
}

/* Rows that `count` more samples and the clip's end would complete. */
static inline size_t wav2small_features_rows_to_end(const wav2small_features_state *s, size_t count) {
    const size_t room = SIZE_MAX - WAV2SMALL_FEATURES_TAIL_SAMPLES;
    const size_t all = (count < room ? count : room) + WAV2SMALL_FEATURES_TAIL_SAMPLES;
    return wav2small_tk_features_rows_to_end(s, wav2small_features_frames(s, all));
}

#endif
