/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_decimate_35daa43e.h"

#include "tk_compiler_5530835e.h"
#include "tk_samples_d7d34f3e.h"

#if defined(__ARM_FEATURE_DSP)
#include <arm_acle.h>

TK_INLINE int16x2_t two(const int16_t *from) {
    int16x2_t pair;
    TK_COPY(&pair, from, sizeof pair);
    return pair;
}
#endif

static int16_t rounded(int64_t sum, int32_t shift) {
    const int32_t value = (int32_t)(sum >> shift);
    return (int16_t)(value < INT16_MIN ? INT16_MIN : (value > INT16_MAX ? INT16_MAX : value));
}

/* One output: samples under the taps, whose number is a multiple of 8. */
TK_INLINE int16_t filtered(const int16_t *samples, const int16_t *taps,
                           const tk_c63b4211_decimate_filter *filter) {
    int64_t sum = INT64_C(1) << (filter->shift - 1);
    int32_t count = filter->count;
#if defined(__ARM_FEATURE_DSP)
    for (; count > 0; count -= 8, samples += 8, taps += 8) {
        sum = __smlald(two(samples), two(taps), sum);
        sum = __smlald(two(samples + 2), two(taps + 2), sum);
        sum = __smlald(two(samples + 4), two(taps + 4), sum);
        sum = __smlald(two(samples + 6), two(taps + 6), sum);
    }
#else
    for (int32_t k = 0; k < count; ++k) {
        sum += samples[k] * taps[k];
    }
#endif
    return rounded(sum, filter->shift);
}

#if defined(__ARM_FEATURE_DSP)
/* Two outputs, two samples apart, that share what is read. */
static void filtered_two(const int16_t *samples, const tk_c63b4211_decimate_filter *filter, int16_t *out) {
    const int16_t *taps = filter->taps, *const end = taps + filter->count;
    int64_t first = INT64_C(1) << (filter->shift - 1), second = first;
    int16x2_t x = two(samples);
    for (; taps != end; taps += 8, samples += 8) {
        const int16x2_t a = two(samples + 2), b = two(samples + 4), c = two(samples + 6);
        const int16x2_t t0 = two(taps), t1 = two(taps + 2), t2 = two(taps + 4), t3 = two(taps + 6);
        first = __smlald(x, t0, first);
        second = __smlald(a, t0, second);
        first = __smlald(a, t1, first);
        second = __smlald(b, t1, second);
        first = __smlald(b, t2, first);
        second = __smlald(c, t2, second);
        x = two(samples + 8);
        first = __smlald(c, t3, first);
        second = __smlald(x, t3, second);
    }
    out[0] = rounded(first, filter->shift);
    out[1] = rounded(second, filter->shift);
}
#endif

/* All outputs that the samples suffice for; what later ones need stays. */
static int32_t run(const tk_c63b4211_decimate_filter *filter, int16_t *samples, int32_t *filled,
                   int32_t *phase, int16_t *out) {
    int32_t outputs = 0, at = 0;
#if defined(__ARM_FEATURE_DSP)
    if (filter->up == 1 && filter->down == 2) {
        for (; at + 2 + filter->count <= *filled; outputs += 2, at += 4) {
            filtered_two(samples + at, filter, out + outputs);
        }
    }
#endif
    for (; at + filter->count <= *filled; ++outputs) {
        out[outputs] = filtered(samples + at, filter->taps + *phase * filter->count, filter);
        *phase += filter->down;
        for (; *phase >= filter->up; *phase -= filter->up) {
            ++at;
        }
    }
    *filled -= at;
    TK_MOVE(samples, samples + at, (size_t)*filled * sizeof *samples);
    return outputs;
}

void tk_35daa43e_decimate_init(tk_35daa43e_decimate *d, const tk_c63b4211_decimate_rate *from) {
    TK_ZERO(d, sizeof *d);
    d->rate = from;
    d->first_filled = from->first == NULL ? 0 : from->first->count / 2 - 1;
    d->last_filled = from->last->count / 2 - 1;
}

/* At most TK_DECIMATE_CHUNK samples. */
static int32_t take(tk_35daa43e_decimate *d, const int16_t *in, int32_t count, int16_t *out) {
    int16_t *const last = d->last + d->last_filled;
    if (d->rate->first == NULL) {
        TK_COPY(last, in, (size_t)count * sizeof *in);
        d->last_filled += count;
    } else {
        TK_COPY(d->first + d->first_filled, in, (size_t)count * sizeof *in);
        d->first_filled += count;
        d->last_filled += run(d->rate->first, d->first, &d->first_filled, &d->first_phase, last);
    }
    return run(d->rate->last, d->last, &d->last_filled, &d->last_phase, out);
}

static int32_t chunk(size_t count) {
    return count < TK_DECIMATE_CHUNK ? (int32_t)count : TK_DECIMATE_CHUNK;
}

size_t tk_35daa43e_decimate_s16(tk_35daa43e_decimate *d, const int16_t *in, size_t count, int16_t *out) {
    size_t outputs = 0;
    for (int32_t taken; count > 0; count -= (size_t)taken, in += taken) {
        taken = chunk(count);
        outputs += (size_t)take(d, in, taken, out + outputs);
    }
    return outputs;
}

size_t tk_35daa43e_decimate_q31(tk_35daa43e_decimate *d, const int32_t *in, size_t count, int16_t *out) {
    size_t outputs = 0;
    for (int32_t taken; count > 0; count -= (size_t)taken, in += taken) {
        int16_t samples[TK_DECIMATE_CHUNK];
        taken = chunk(count);
        tk_d7d34f3e_samples_q31(in, (size_t)taken, samples);
        outputs += (size_t)take(d, samples, taken, out + outputs);
    }
    return outputs;
}

size_t tk_35daa43e_decimate_f32(tk_35daa43e_decimate *d, const float *in, size_t count, int16_t *out) {
    size_t outputs = 0;
    for (int32_t taken; count > 0; count -= (size_t)taken, in += taken) {
        int16_t samples[TK_DECIMATE_CHUNK];
        taken = chunk(count);
        tk_d7d34f3e_samples_f32(in, (size_t)taken, samples);
        outputs += (size_t)take(d, samples, taken, out + outputs);
    }
    return outputs;
}

/* Outputs of a filter that lie before the end of `count` more samples: half its taps are ahead. */
static size_t left_of(const tk_c63b4211_decimate_filter *filter, int32_t filled, int32_t phase,
                      size_t count) {
    const size_t down = (size_t)filter->down;
    const int32_t ahead = filled + (int32_t)(count % down) + 1 - filter->count / 2;
    const int32_t steps = ahead * filter->up - phase;
    return count / down * (size_t)filter->up + ((size_t)steps + down - 1) / down;
}

size_t tk_35daa43e_decimate_left(const tk_35daa43e_decimate *d, size_t count) {
    const tk_c63b4211_decimate_rate *const rate = d->rate;
    if (rate->first != NULL) {
        count = left_of(rate->first, d->first_filled, d->first_phase, count);
    }
    return left_of(rate->last, d->last_filled, d->last_phase, count);
}
