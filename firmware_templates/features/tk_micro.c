/* SPDX-License-Identifier: Apache-2.0 */
#include "features.h"
#include "tk_compiler.h"
#include "tk_multiply_q.h"

#define POINTS FEATURES_FFT_POINTS
/* Stages are functions of their own: a profile shows them, and each has all registers. */
#define STAGE TK_NOINLINE static

#define NOISE_BITS 14
#define SNR_BITS 12
#define SHRUNK_BITS 6

static inline int32_t rounded(int32_t product) {
    return (product + (1 << 14)) >> 15;
}

static inline tk_micro_complex times(int32_t re, int32_t im, tk_micro_complex root) {
    const tk_micro_complex product = {(int16_t)rounded(re * root.re - im * root.im),
                                      (int16_t)rounded(re * root.im + im * root.re)};
    return product;
}

/* Number of bits of a number: 0 for 0. */
static inline int32_t bit_length(uint32_t value) {
    return value == 0 ? 0 : 32 - tk_leading_zeros(value);
}

static inline uint64_t shifted(uint64_t value, int32_t left) {
    return left >= 0 ? value << left : value >> -left;
}

static inline int32_t windowed(const int16_t *frame, uint32_t n) {
    return n < FEATURES_FRAME_SAMPLES ? frame[n] * tk_micro_window[n] >> 12 : 0;
}

/* Windowed samples, shifted left as far as 16 bits allow, as pairs in digit-reversed order; returns
 * the shift. */
STAGE int32_t load_frame(const int16_t *frame, tk_micro_complex *z) {
    int32_t largest = 0;
    for (uint32_t n = 0; n < FEATURES_FRAME_SAMPLES; n++) {
        const int32_t sample = windowed(frame, n);
        const int32_t size = sample < 0 ? -sample : sample;
        largest = size > largest ? size : largest;
    }
    const int32_t shift = 15 - bit_length((uint32_t)(largest < 32767 ? largest : 32767));
    const uint32_t groups = POINTS / FEATURES_FFT_FIRST;
    uint32_t n = 0;
    for (uint32_t group = 0; group < groups; group++) {
        for (uint32_t k = 0; k < FEATURES_FFT_FIRST; k++) {
            const uint32_t pair = n + k * groups;
            z->re = (int16_t)(windowed(frame, 2 * pair) * (1 << shift));
            z->im = (int16_t)(windowed(frame, 2 * pair + 1) * (1 << shift));
            z++;
        }
        uint32_t digit = groups / 4;
        while (digit > 0 && (n & (3 * digit)) == 3 * digit) {
            n -= 3 * digit;
            digit /= 4;
        }
        n += digit;
    }
    return shift;
}

/* One butterfly of radix 4 over z[0], z[step], ..; everything is scaled down by 4. */
static inline void combine_4(tk_micro_complex *z, uint32_t step, const tk_micro_complex *roots) {
    tk_micro_complex x[4];
    for (uint32_t j = 0; j < 4; j++) {
        const int32_t re = rounded(z[j * step].re * 8191);
        const int32_t im = rounded(z[j * step].im * 8191);
        const tk_micro_complex same = {(int16_t)re, (int16_t)im};
        x[j] = j == 0 ? same : times(re, im, roots[j - 1]);
    }
    const int32_t even_re = x[0].re + x[2].re, even_im = x[0].im + x[2].im;
    const int32_t odd_re = x[1].re + x[3].re, odd_im = x[1].im + x[3].im;
    const int32_t skew_re = x[0].re - x[2].re, skew_im = x[0].im - x[2].im;
    const int32_t turn_re = x[1].re - x[3].re, turn_im = x[1].im - x[3].im;
    z[0].re = (int16_t)(even_re + odd_re);
    z[0].im = (int16_t)(even_im + odd_im);
    z[step].re = (int16_t)(skew_re + turn_im);
    z[step].im = (int16_t)(skew_im - turn_re);
    z[2 * step].re = (int16_t)(even_re - odd_re);
    z[2 * step].im = (int16_t)(even_im - odd_im);
    z[3 * step].re = (int16_t)(skew_re - turn_im);
    z[3 * step].im = (int16_t)(skew_im + turn_re);
}

#if FEATURES_FFT_FIRST == 2
/* A radix-2 pass over neighbours, scaled down by 2. */
static void combine_neighbours(tk_micro_complex *z) {
    const tk_micro_complex one = {32767, 0};
    for (uint32_t i = 0; i < POINTS; i += 2) {
        const int32_t a_re = rounded(z[i].re * 16383), a_im = rounded(z[i].im * 16383);
        const tk_micro_complex b =
            times(rounded(z[i + 1].re * 16383), rounded(z[i + 1].im * 16383), one);
        z[i].re = (int16_t)(a_re + b.re);
        z[i].im = (int16_t)(a_im + b.im);
        z[i + 1].re = (int16_t)(a_re - b.re);
        z[i + 1].im = (int16_t)(a_im - b.im);
    }
}
#endif

/* The FFT over POINTS, in place, input in digit-reversed order, result divided by POINTS. */
STAGE void transform(tk_micro_complex *z) {
    const tk_micro_complex *roots = tk_micro_twiddles;
    uint32_t length = 1;
#if FEATURES_FFT_FIRST == 2
    combine_neighbours(z);
    length = 2;
#endif
    for (; length < POINTS; length *= 4) {
        for (uint32_t k = 0; k < length; k++) {
            for (uint32_t i = k; i < POINTS; i += 4 * length) {
                combine_4(&z[i], length, roots);
            }
            roots += 3;
        }
    }
}

static inline int32_t halved(int32_t value) {
    return rounded(value * 16383);
}

/* The spectrum of the real samples whose pairs were transformed, bins 0..POINTS, in place. */
STAGE void untangle(tk_micro_complex *z) {
    const int32_t first_re = halved(z[0].re), first_im = halved(z[0].im);
    for (uint32_t k = 1; k <= POINTS / 2; k++) {
        const int32_t low_re = halved(z[k].re), low_im = halved(z[k].im);
        const int32_t high_re = halved(z[POINTS - k].re), high_im = halved(-z[POINTS - k].im);
        const int32_t sum_re = low_re + high_re, sum_im = low_im + high_im;
        const tk_micro_complex turned =
            times(low_re - high_re, low_im - high_im, tk_micro_roots[k - 1]);
        z[k].re = (int16_t)((sum_re + turned.re) >> 1);
        z[k].im = (int16_t)((sum_im + turned.im) >> 1);
        z[POINTS - k].re = (int16_t)((sum_re - turned.re) >> 1);
        z[POINTS - k].im = (int16_t)((turned.im - sum_im) >> 1);
    }
    z[0].re = (int16_t)(first_re + first_im);
    z[0].im = 0;
    z[POINTS].re = (int16_t)(first_re - first_im);
    z[POINTS].im = 0;
}

/* Square root to nearest, below 2^16 for what is below 2^32. */
static uint32_t square_root(uint64_t x) {
    uint64_t rest = x;
    uint64_t root = 0;
    uint64_t bit = UINT64_C(1) << (x >> 32 != 0 ? 62 : 30);
    while (bit > rest) {
        bit >>= 2;
    }
    for (; bit != 0; bit >>= 2) {
        const uint64_t trial = root + bit;
        root >>= 1;
        if (rest >= trial) {
            rest -= trial;
            root += bit;
        }
    }
    const uint32_t nearest = (uint32_t)root + (rest > root);
    return x >> 32 == 0 && nearest > 65535 ? 65535 : nearest;
}

/* Square roots of the channels' energies. */
STAGE void channel_magnitudes(const tk_micro_complex *z, int32_t shift, uint32_t *channels) {
    const uint16_t *weight = tk_micro_weights;
    for (uint32_t c = 0; c < FEATURES_BANDS; c++) {
        const tk_micro_complex *bin = &z[tk_micro_channels[c].first_bin];
        uint64_t energy = 0;
        for (uint32_t k = tk_micro_channels[c].bins; k > 0; k--, bin++) {
            const uint32_t power = (uint32_t)(bin->re * bin->re) + (uint32_t)(bin->im * bin->im);
            energy += tk_multiply_u32_u16(power, *weight++);
        }
        channels[c] = square_root(energy) >> shift;
    }
}

/* Leaves what exceeds the noise estimate, and updates that. */
static inline uint32_t reduce_noise(uint32_t signal, uint32_t *noise, uint32_t smoothing) {
    const uint32_t scaled = signal << FEATURES_MICRO_SMOOTHING_BITS;
    const uint64_t followed =
        (uint64_t)scaled * smoothing + (uint64_t)*noise * ((1u << NOISE_BITS) - smoothing);
    const uint32_t estimate = (uint32_t)(followed >> NOISE_BITS);
    const uint32_t rest = scaled > estimate ? scaled - estimate : 0;
    const uint32_t least =
        (uint32_t)(((uint64_t)signal * FEATURES_MICRO_LEAST_SIGNAL) >> NOISE_BITS);
    const uint32_t cleaned = rest >> FEATURES_MICRO_SMOOTHING_BITS;
    *noise = estimate;
    return cleaned > least ? cleaned : least;
}

#ifdef FEATURES_MICRO_GAIN_SHIFT
/* The gain at a noise estimate: 10 bits of the fraction of its octave enter. */
static inline int32_t gain_at(uint32_t noise) {
    if (noise <= 2) {
        return tk_micro_gains[noise];
    }
    const int32_t octave = bit_length(noise) - 1;
    const int32_t fraction = (int32_t)shifted(noise, 10 - octave) & 0x3FF;
    const int32_t *entry = &tk_micro_gains[2 + 4 * (octave - 1)];
    const int32_t slope = (entry[2] * fraction >> 5) + entry[1] * 32;
    return entry[0] + (int32_t)(((int64_t)slope * fraction + (1 << 14)) >> 15);
}

/* Signal over noise, large ratios compressed, with SHRUNK_BITS fractional bits. */
static inline uint32_t control_gain(uint32_t signal, uint32_t noise) {
    const uint64_t product = (uint64_t)signal * (uint32_t)gain_at(noise);
    const uint32_t ratio = (uint32_t)(product >> FEATURES_MICRO_GAIN_SHIFT);
    if (ratio < 2u << SNR_BITS) {
        return ratio * ratio >> (2 + 2 * SNR_BITS - SHRUNK_BITS);
    }
    return (ratio >> (SNR_BITS - SHRUNK_BITS)) - (1u << SHRUNK_BITS);
}
#endif

/* ln(x) with FEATURES_MICRO_LOG_SHIFT fractional bits; 0 for 0 and 1. */
static inline uint32_t logarithm(uint32_t x) {
    if (x <= 1) {
        return 0;
    }
    const int32_t exponent = bit_length(x) - 1;
    const uint32_t fraction = (uint32_t)shifted(x - (1u << exponent), 16 - exponent);
    const uint32_t segment = fraction >> 9;
    const int32_t start = tk_micro_logarithms[segment];
    const int32_t rise = tk_micro_logarithms[segment + 1] - start;
    const int32_t curve = start + (rise * (int32_t)(fraction & 0x1FF) >> 16);
    const uint32_t log2 = ((uint32_t)exponent << 16) + fraction + (uint32_t)curve;
    const uint32_t ln = (uint32_t)(((uint64_t)45426 * log2 + (1u << 15)) >> 16);
    const uint32_t result = ((ln << FEATURES_MICRO_LOG_SHIFT) + (1u << 15)) >> 16;
    return result < 65535 ? result : 65535;
}

/* To the model's input: value * multiplier / 2^shift, to nearest, plus the zero point. */
static inline int8_t quantise(uint32_t value) {
    const int64_t product = (int64_t)value * FEATURES_MICRO_MULTIPLIER;
    const int64_t half = INT64_C(1) << (FEATURES_MICRO_MULTIPLIER_SHIFT - 1);
    const int64_t q = ((product + half) >> FEATURES_MICRO_MULTIPLIER_SHIFT) + FEATURES_ZERO_POINT;
    return (int8_t)(q < 127 ? q : 127);
}

STAGE void finish_channels(const uint32_t *channels, uint32_t *noise, tk_value *row) {
    for (uint32_t c = 0; c < FEATURES_BANDS; c++) {
        const uint32_t smoothing =
            c % 2 ? FEATURES_MICRO_ODD_SMOOTHING : FEATURES_MICRO_EVEN_SMOOTHING;
        uint32_t value = reduce_noise(channels[c], &noise[c], smoothing);
#ifdef FEATURES_MICRO_GAIN_SHIFT
        value = control_gain(value, noise[c]);
#endif
        row[c] = quantise(logarithm((uint32_t)shifted(value, FEATURES_MICRO_CORRECTION_BITS)));
    }
}

void tk_front_init(tk_front *front) {
    TK_ZERO(front->noise, sizeof front->noise);
}

void tk_front_row(tk_front *front, const int16_t *frame, tk_value *row) {
    uint32_t channels[FEATURES_BANDS];
    const int32_t shift = load_frame(frame, front->spectrum);
    transform(front->spectrum);
    untangle(front->spectrum);
    channel_magnitudes(front->spectrum, shift, channels);
    finish_channels(channels, front->noise, row);
}
