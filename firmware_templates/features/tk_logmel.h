/* Streaming log-mel features: int16 samples in, int8 rows out, float32 inside.
 *
 * Included by the generated features.h, whose FEATURES_* macros give every size and constant and
 * whose features.c holds the tables below.  Compile with -ffp-contract=off: then host and every
 * target with IEEE-754 float32 give the same bits.  No libm, no heap, no state but the struct.
 */
#ifndef TK_LOGMEL_H
#define TK_LOGMEL_H

#include <stddef.h>
#include <stdint.h>

#ifndef FEATURES_FRAME_SAMPLES
#error "include features.h, which includes this file"
#endif

/* The FFT bins that one triangular mel band covers. */
typedef struct tk_mel_band {
    uint16_t first_bin;
    uint16_t bins; /* 0: the band is narrower than the spacing of the bins and holds none */
} tk_mel_band;

/* Periodic Hann window over full scale, 32768. */
extern const float tk_logmel_window[FEATURES_FRAME_SAMPLES];
/* Pairs cos(a), -sin(a) with a = 2 pi k / FEATURES_FRAME_SAMPLES, k < FEATURES_FRAME_SAMPLES / 2.
 */
extern const float tk_logmel_twiddles[FEATURES_FRAME_SAMPLES];
extern const tk_mel_band tk_logmel_bands[FEATURES_ROW_VALUES];
/* Weights of all bands, one band after the other. */
extern const float tk_logmel_weights[FEATURES_MEL_WEIGHTS];

typedef struct tk_logmel_state {
    float work[FEATURES_FRAME_SAMPLES]; /* scratch: spectrum, then power; nothing outlives a push */
    float mean;                         /* subtracted from the samples, in samples' units */
    float level;                        /* mean square divided by, full scale = 1 */
#ifdef FEATURES_LEVEL_RUNNING
    float mean_carry;     /* what `mean` lost to rounding */
    float variance;       /* running variance, in samples' units squared */
    float variance_carry; /* what `variance` lost to rounding */
    uint32_t warm_frames; /* frames seen, up to FEATURES_WARMUP_FRAMES */
#endif
    uint32_t filled; /* samples waiting in `frame` */
    int16_t frame[FEATURES_FRAME_SAMPLES];
} tk_logmel_state;

void tk_logmel_init(tk_logmel_state *s);

/* Take `count` samples (any number) and write the rows they complete, FEATURES_ROW_VALUES int8
 * each, to `rows`, which must hold count / FEATURES_HOP_SAMPLES + 1 rows; returns their number. */
size_t tk_logmel_push(tk_logmel_state *s, const int16_t *samples, size_t count, int8_t *rows);

#ifdef FEATURES_LEVEL_CLIP
/* Measure the level of the whole clip ; call between init and the first push. */
void tk_logmel_set_level(tk_logmel_state *s, const int16_t *clip, size_t count);
#endif

#endif
