#include "features.h"
#include "tk_log.h"

/* A real FFT of N samples is one complex FFT of N/2 points and a pass that untangles it. */
#define POINTS (FEATURES_FRAME_SAMPLES / 2u)

/* Square of full scale, 32768: squared samples over it are fractions, exactly. */
#define SQUARED_FULL_SCALE 1073741824.0F

#ifndef FEATURES_LEVEL_FIXED
/* Mean and variance of `count` >= 1 samples: exact integer sums about the truncated mean, so that
 * a DC offset costs no precision. */
static void measure(const int16_t *samples, size_t count, float *mean, float *variance) {
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += samples[i];
    }
    const int32_t centre = (int32_t)(sum / (int64_t)count);
    int64_t squares = 0;
    for (size_t i = 0; i < count; i++) {
        const int32_t from_centre = samples[i] - centre;
        squares += (int64_t)from_centre * from_centre;
    }
    const float offset = (float)(sum - (int64_t)count * centre) / (float)count;
    const float spread = (float)squares / (float)count - offset * offset;
    *mean = (float)centre + offset;
    *variance = spread > 0.0F ? spread : 0.0F;
}
#endif

#ifdef FEATURES_LEVEL_CLIP
void tk_logmel_set_level(tk_logmel_state *s, const int16_t *clip, size_t count) {
    if (count > 0) {
        float variance;
        measure(clip, count, &s->mean, &variance);
        s->level = variance / SQUARED_FULL_SCALE + FEATURES_LEVEL_EPSILON;
    }
}
#endif

#ifdef FEATURES_LEVEL_RUNNING
/* Compensated sum: steps far below the sum's resolution still add up, over hours. */
static void accumulate(float *sum, float *carry, float step) {
    const float wanted = step + *carry;
    const float next = *sum + wanted;
    *carry = wanted - (next - *sum);
    *sum = next;
}

/* Follow mean M and variance V with weight a:
 * V += a (v - V + (1 - a) (m - M)^2), then M += a (m - M). */
static void follow_level(tk_logmel_state *s) {
    float mean;
    float variance;
    measure(s->frame, FEATURES_FRAME_SAMPLES, &mean, &variance);
    float a = FEATURES_LEVEL_SMOOTHING;
    if (s->warm_frames < FEATURES_LEVEL_WARMUP_FRAMES) {
        s->warm_frames++;
        a = 1.0F / (float)s->warm_frames;
    }
    const float step = mean - s->mean;
    const float target = variance + (1.0F - a) * step * step;
    accumulate(&s->variance, &s->variance_carry, a * (target - s->variance));
    accumulate(&s->mean, &s->mean_carry, a * step);
    s->level = s->variance / SQUARED_FULL_SCALE + FEATURES_LEVEL_EPSILON;
}
#endif

/* Window the frame into `work` as POINTS complex numbers in bit-reversed order. */
static void load_frame(tk_logmel_state *s) {
    uint32_t reversed = 0;
    for (uint32_t i = 0; i < POINTS; i++) {
        for (uint32_t part = 0; part < 2; part++) {
            const uint32_t n = 2 * i + part;
            s->work[2 * reversed + part] = ((float)s->frame[n] - s->mean) * tk_logmel_window[n];
        }
        uint32_t bit = POINTS / 2;
        while (reversed & bit) {
            reversed ^= bit;
            bit >>= 1;
        }
        reversed |= bit;
    }
}

/* In-place radix-2 FFT of POINTS complex numbers in bit-reversed order. */
static void complex_fft(float *z) {
    for (uint32_t half = 1; half < POINTS; half *= 2) {
        for (uint32_t j = 0; j < half; j++) {
            const float *twiddle = &tk_logmel_twiddles[2 * j * (POINTS / half)];
            for (uint32_t i = j; i < POINTS; i += 2 * half) {
                float *a = &z[2 * i];
                float *b = &z[2 * (i + half)];
                const float re = b[0] * twiddle[0] - b[1] * twiddle[1];
                const float im = b[0] * twiddle[1] + b[1] * twiddle[0];
                b[0] = a[0] - re;
                b[1] = a[1] - im;
                a[0] = a[0] + re;
                a[1] = a[1] + im;
            }
        }
    }
}

/* From the complex FFT Z of even (real part) and odd (imaginary part) samples to the power of the
 * real FFT, bins 0..POINTS, in place: X[k] = even + w^k odd, X[POINTS - k] = conj(even - w^k odd),
 * where even = (Z[k] + conj Z[POINTS - k]) / 2 and odd = (Z[k] - conj Z[POINTS - k]) / 2i. */
static void untangle_power(float *z) {
    const float first = z[0] + z[1];
    const float last = z[0] - z[1];
    for (uint32_t k = 1; k <= POINTS / 2; k++) {
        float *low = &z[2 * k];
        float *high = &z[2 * (POINTS - k)];
        const float *twiddle = &tk_logmel_twiddles[2 * k];
        const float even_re = low[0] + high[0];
        const float even_im = low[1] - high[1];
        const float odd_re = low[1] + high[1];
        const float odd_im = high[0] - low[0];
        const float re = odd_re * twiddle[0] - odd_im * twiddle[1];
        const float im = odd_re * twiddle[1] + odd_im * twiddle[0];
        const float low_re = even_re + re;
        const float low_im = even_im + im;
        const float high_re = even_re - re;
        const float high_im = even_im - im;
        low[0] = 0.25F * (low_re * low_re + low_im * low_im);
        high[0] = 0.25F * (high_re * high_re + high_im * high_im);
    }
    z[0] = first * first;
    for (uint32_t k = 1; k < POINTS; k++) {
        z[k] = z[2 * k];
    }
    z[POINTS] = last * last;
}

/* floor(value / scale + 0.5) + zero point, clamped to int8. */
static int8_t quantise(float value) {
    float steps = value * FEATURES_INVERSE_SCALE + 0.5F;
    steps =
        steps > (float)(-128 - FEATURES_ZERO_POINT) ? steps : (float)(-128 - FEATURES_ZERO_POINT);
    steps = steps < (float)(127 - FEATURES_ZERO_POINT) ? steps : (float)(127 - FEATURES_ZERO_POINT);
    int32_t whole = (int32_t)steps;
    if ((float)whole > steps) {
        whole--;
    }
    return (int8_t)(whole + FEATURES_ZERO_POINT);
}

static void finish_frame(tk_logmel_state *s, int8_t *row) {
#ifdef FEATURES_LEVEL_RUNNING
    follow_level(s);
#endif
    load_frame(s);
    complex_fft(s->work);
    untangle_power(s->work);

    /* The division by the level is a difference of logarithms. */
    const float least = FEATURES_FLOOR * s->level;
    const float level_log = tk_log(s->level, FEATURES_LOG_UNIT, FEATURES_LOG_OCTAVE);
    const float *weight = tk_logmel_weights;
    for (uint32_t m = 0; m < FEATURES_ROW_VALUES; m++) {
        const float *power = &s->work[tk_logmel_bands[m].first_bin];
        float energy = 0.0F;
        for (uint32_t k = 0; k < tk_logmel_bands[m].bins; k++) {
            energy += *weight++ * power[k];
        }
        const float audible = energy > least ? energy : least;
        row[m] = quantise(tk_log(audible, FEATURES_LOG_UNIT, FEATURES_LOG_OCTAVE) - level_log);
    }
}

void tk_logmel_init(tk_logmel_state *s) {
    s->mean = 0.0F;
    s->level = FEATURES_LEVEL_INITIAL;
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
    for (size_t i = 0; i < count; i++) {
        s->frame[s->filled++] = samples[i];
        if (s->filled == FEATURES_FRAME_SAMPLES) {
            finish_frame(s, &rows[completed * FEATURES_ROW_VALUES]);
            completed++;
            s->filled = FEATURES_FRAME_SAMPLES - FEATURES_HOP_SAMPLES;
            for (uint32_t k = 0; k < s->filled; k++) {
                s->frame[k] = s->frame[k + FEATURES_HOP_SAMPLES];
            }
        }
    }
    return completed;
}
