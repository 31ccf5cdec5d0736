#include "features.h"

#if defined(__ARM_FEATURE_DSP)
#include <arm_acle.h>
#endif

#define POINTS FEATURES_FFT_POINTS
/* Points of the FFT's first pass; all others are of radix 4. */
#define FIRST FEATURES_FFT_FIRST

/* Stages are functions of their own: a profile shows them, and each has all registers. */
#define STAGE __attribute__((noinline)) static

/* Square of full scale, 32768: squared samples over it are fractions, exactly. */
#define SQUARED_FULL_SCALE 1073741824.0F

#ifndef FEATURES_LEVEL_FIXED

/* Exact sums of samples and of their squares. */
typedef struct sums {
    int64_t linear;
    int64_t squares;
} sums;

/* Add up to 65535 samples. */
STAGE void add_samples(sums *total, const int16_t *samples, size_t count) {
    int32_t linear = 0;
    int64_t squares = 0;
#if defined(__ARM_FEATURE_DSP)
    for (; count >= 2; count -= 2, samples += 2) {
        int16x2_t pair;
        __builtin_memcpy(&pair, samples, sizeof pair);
        linear = __smlad(pair, 0x00010001, linear);
        squares = __smlald(pair, pair, squares);
    }
#endif
    for (; count > 0; count--, samples++) {
        linear += *samples;
        squares += *samples * *samples;
    }
    total->linear += linear;
    total->squares += squares;
}

/* Within 2^-23 of |value| < 2^62, without the run-time library's conversion. */
static inline float to_float(int64_t value) {
    return (float)(int32_t)(value >> 31) * 2147483648.0F + (float)(int32_t)(value & INT32_MAX);
}

/* Mean and variance of `count` >= 1 samples, from integer sums about the truncated mean, so that a
 * DC offset costs no precision. */
static inline void measure(const sums *total, int64_t count, float *mean, float *variance) {
    const int64_t centre = total->linear / count;
    const int64_t rest = total->linear - count * centre;
    const int64_t squares = total->squares - centre * (total->linear + rest);
    const float offset = (float)rest / (float)count;
    const float spread = to_float(squares) / (float)count - offset * offset;
    *mean = (float)(int32_t)centre + offset;
    *variance = spread > 0.0F ? spread : 0.0F;
}

static inline float inverse_level(float variance) {
    return 1.0F / (variance / SQUARED_FULL_SCALE + FEATURES_LEVEL_EPSILON);
}

#endif

#ifdef FEATURES_LEVEL_CLIP
void tk_logmel_set_level(tk_logmel_state *s, const int16_t *clip, size_t count) {
    sums total = {0, 0};
    for (size_t done = 0; done < count;) {
        const size_t left = count - done;
        const size_t block = left < FEATURES_FRAME_SAMPLES ? left : FEATURES_FRAME_SAMPLES;
        add_samples(&total, clip + done, block);
        done += block;
    }
    if (count > 0) {
        float variance;
        measure(&total, (int64_t)count, &s->mean, &variance);
        s->inverse_level = inverse_level(variance);
    }
}
#endif

#ifdef FEATURES_LEVEL_RUNNING
/* Compensated sum: steps far below the sum's resolution still add up, over hours. */
static inline void accumulate(float *sum, float *carry, float step) {
    const float wanted = step + *carry;
    const float next = *sum + wanted;
    *carry = wanted - (next - *sum);
    *sum = next;
}

/* Follow mean M and variance V with weight a:
 * V += a (v - V + (1 - a) (m - M)^2), then M += a (m - M). */
STAGE void follow_level(tk_logmel_state *s) {
    sums total = {0, 0};
    float mean;
    float variance;
    add_samples(&total, s->frame, FEATURES_FRAME_SAMPLES);
    measure(&total, FEATURES_FRAME_SAMPLES, &mean, &variance);
    float a = FEATURES_LEVEL_SMOOTHING;
    if (s->warm_frames < FEATURES_LEVEL_WARMUP_FRAMES) {
        s->warm_frames++;
        a = 1.0F / (float)s->warm_frames;
    }
    const float step = mean - s->mean;
    const float target = variance + (1.0F - a) * step * step;
    accumulate(&s->variance, &s->variance_carry, a * (target - s->variance));
    accumulate(&s->mean, &s->mean_carry, a * step);
    s->inverse_level = inverse_level(s->variance);
}
#endif

/* Two samples, windowed, as one complex number. */
static inline tk_complex load_pair(const int16_t *samples, const float *window, float mean) {
    const tk_complex pair = {((float)samples[0] - mean) * window[0],
                             ((float)samples[1] - mean) * window[1]};
    return pair;
}

/* First pass of the FFT, over pairs POINTS / FIRST apart, groups in base-4 digit-reversed order. */
STAGE void transform_pairs(tk_logmel_state *s) {
    const uint32_t groups = POINTS / FIRST;
    const float mean = s->mean;
    uint32_t n = 0;
    for (uint32_t group = 0; group < groups; group++) {
        const int16_t *samples = &s->frame[2 * n];
        const float *window = &tk_logmel_window[2 * n];
        tk_complex x[FIRST];
        for (uint32_t k = 0; k < FIRST; k++) {
            x[k] = load_pair(&samples[2 * k * groups], &window[2 * k * groups], mean);
        }
#if FEATURES_FFT_FIRST == 8
        tk_fft_8(x);
#else
        tk_fft_4(x);
#endif
        for (uint32_t k = 0; k < FIRST; k++) {
            s->work[group * FIRST + k] = x[k];
        }
        uint32_t digit = groups / 4;
        while (digit > 0 && (n & (3 * digit)) == 3 * digit) {
            n -= 3 * digit;
            digit /= 4;
        }
        n += digit;
    }
}

/* The other passes: four spectra of `length` points become one of 4 * length. */
STAGE void combine_spectra(tk_complex *z) {
    const tk_complex *twiddles = tk_logmel_twiddles;
    for (uint32_t length = FIRST; length < POINTS; length *= 4) {
        for (uint32_t k = 0; k < length; k++) {
            for (uint32_t i = k; i < POINTS; i += 4 * length) {
                tk_complex x[4] = {z[i]};
                for (uint32_t j = 1; j < 4; j++) {
                    x[j] = tk_complex_multiply(z[i + j * length], twiddles[j - 1]);
                }
                tk_fft_4(x);
                for (uint32_t j = 0; j < 4; j++) {
                    z[i + j * length] = x[j];
                }
            }
            twiddles += 3;
        }
    }
}

static inline float power(float re, float im) {
    return re * re + im * im;
}

/* From the complex FFT Z of even (real part) and odd (imaginary part) samples, halved, to the power
 * of the real FFT, bins 0..POINTS, in the real parts: X[k] = even + w^k odd,
 * X[POINTS - k] = conj(even - w^k odd), where even = Z[k] + conj Z[POINTS - k] and
 * odd = (Z[k] - conj Z[POINTS - k]) / i. */
STAGE void untangle_power(tk_complex *z) {
    const float first = 2.0F * (z[0].re + z[0].im);
    const float last = 2.0F * (z[0].re - z[0].im);
    for (uint32_t k = 1; k < POINTS / 2; k++) {
        const tk_complex low = z[k];
        const tk_complex high = z[POINTS - k];
        const tk_complex even = {low.re + high.re, low.im - high.im};
        const tk_complex odd = {low.im + high.im, high.re - low.re};
        const tk_complex turned = tk_complex_multiply(odd, tk_logmel_roots[k - 1]);
        z[k].re = power(even.re + turned.re, even.im + turned.im);
        z[POINTS - k].re = power(even.re - turned.re, even.im - turned.im);
    }
    z[POINTS / 2].re = 4.0F * power(z[POINTS / 2].re, z[POINTS / 2].im);
    z[0].re = first * first;
    z[POINTS].re = last * last;
}

/* Logarithm and quantisation of an energy in one: a look-up in their common inverse. */
static inline int8_t quantise(float energy) {
    union {
        float value;
        uint32_t bits;
    } number;
    number.value = energy;
    /* Limits 0 and 2^n - 1 after a shift: one instruction on Arm cores. */
    int32_t bucket = ((int32_t)number.bits - FEATURES_FIRST_BUCKET) >> FEATURES_BUCKET_SHIFT;
    bucket = bucket > 0 ? bucket : 0;
    bucket = bucket < FEATURES_BUCKETS - 1 ? bucket : FEATURES_BUCKETS - 1;
    const uint32_t edge = tk_logmel_edges_before[bucket];
    return (int8_t)((int32_t)(edge + (number.bits >= tk_logmel_edges[edge])) + FEATURES_LEAST);
}

STAGE void quantise_row(const float *energies, float inverse_level, int8_t *row) {
    for (uint32_t m = 0; m < FEATURES_ROW_VALUES; m++) {
        row[m] = quantise(energies[m] * inverse_level);
    }
}

static void finish_frame(tk_logmel_state *s, int8_t *row) {
    float energies[FEATURES_ROW_VALUES];
#ifdef FEATURES_LEVEL_RUNNING
    follow_level(s);
#endif
    transform_pairs(s);
    combine_spectra(s->work);
    untangle_power(s->work);
    tk_logmel_bands(&s->work[0].re, energies);
    quantise_row(energies, s->inverse_level, row);
}

void tk_logmel_init(tk_logmel_state *s) {
    s->mean = 0.0F;
    s->inverse_level = FEATURES_LEVEL_INITIAL;
#ifdef FEATURES_LEVEL_RUNNING
    s->mean_carry = 0.0F;
    s->variance = 0.0F;
    s->variance_carry = 0.0F;
    s->warm_frames = 0;
#endif
    s->filled = 0;
}

size_t tk_logmel_push(tk_logmel_state *s, const int16_t *samples, size_t count, int8_t *rows) {
    size_t completed = 0;
    while (count > 0) {
        const size_t room = FEATURES_FRAME_SAMPLES - s->filled;
        const size_t taken = count < room ? count : room;
        __builtin_memcpy(&s->frame[s->filled], samples, taken * sizeof samples[0]);
        s->filled += (uint32_t)taken;
        samples += taken;
        count -= taken;
        if (s->filled == FEATURES_FRAME_SAMPLES) {
            finish_frame(s, &rows[completed * FEATURES_ROW_VALUES]);
            completed++;
            s->filled = FEATURES_FRAME_SAMPLES - FEATURES_HOP_SAMPLES;
            __builtin_memmove(s->frame, s->frame + FEATURES_HOP_SAMPLES,
                              s->filled * sizeof s->frame[0]);
        }
    }
    return completed;
}
