/* SPDX-License-Identifier: Apache-2.0 */
/* Building blocks of the kernels that widen int8 rows into patches of pairs of int16. */
#ifndef TK_DSP_MAC_H
#define TK_DSP_MAC_H

#include "tk_common_368921da.h"
#include "tk_dsp_9b6e09c2.h"

/* Requantises a doubled accumulator (of magnitude below 2^31) with the record {bias, multiplier,
 * rounding, shift}, shift at least 1 and rounding = 2^(shift - 1) + zero_point * 2^shift: the bits
 * of tk_368921da_requantize(accumulator, multiplier, -shift) + zero_point. */
TK_INLINE int32_t tk_f4b898af_dsp_requantize(int32_t doubled, const int32_t *record) {
    return tk_9b6e09c2_smmlar(doubled, record[1], record[2] + (doubled >> 31)) >> record[3];
}

/* Requantises a sum with the record {bias, multiplier}, bias counted in: the bits of
 * tk_368921da_requantize_int64, where the sum has 32 bits and the multiplier what is left to shift by 32,
 * saturated to 16 bits. */
TK_INLINE int32_t tk_f4b898af_dsp_requantize_s16(int32_t sum, const int32_t *record) {
    return tk_9b6e09c2_ssat16(tk_9b6e09c2_smmulr(sum, record[1]));
}

/* Widens values (a multiple of four) into every third word from `to`; returns where it ends. */
TK_INLINE uint32_t *tk_f4b898af_dsp_widen3(const int8_t *from, int32_t values, uint32_t *to) {
    int32_t left = values;
    for (; left >= 16; left -= 16, from += 16, to += 24) {
        const uint32_t a = tk_9b6e09c2_load32(from), b = tk_9b6e09c2_load32(from + 4);
        const uint32_t c = tk_9b6e09c2_load32(from + 8), d = tk_9b6e09c2_load32(from + 12);
        to[0] = tk_9b6e09c2_sxtb16(a);
        to[3] = tk_9b6e09c2_sxtb16_ror8(a);
        to[6] = tk_9b6e09c2_sxtb16(b);
        to[9] = tk_9b6e09c2_sxtb16_ror8(b);
        to[12] = tk_9b6e09c2_sxtb16(c);
        to[15] = tk_9b6e09c2_sxtb16_ror8(c);
        to[18] = tk_9b6e09c2_sxtb16(d);
        to[21] = tk_9b6e09c2_sxtb16_ror8(d);
    }
    for (; left > 0; left -= 4, from += 4, to += 6) {
        const uint32_t a = tk_9b6e09c2_load32(from);
        to[0] = tk_9b6e09c2_sxtb16(a);
        to[3] = tk_9b6e09c2_sxtb16_ror8(a);
    }
    return to;
}

/* Multiply-accumulate over a patch of `pairs` (even) times three words.
 *
 * 2x3: acc[0..2] are the pixels' sums of one output channel, acc[3..5] of the next.  w16: a word of
 * each channel per pair; w8: one word per pair, bytes {first's, second's, first's, second's}.
 * 1x3: acc[0..2]; w16: a word per pair; w8: a word per two pairs, in the order of memory.
 * They return where the weights end. */
#if TK_DSP_BLOCKS

#define TK_DSP_X3                                                                                  \
    "ldr %[x1], [%[x], #4]\n\t"                                                                    \
    "ldr %[x2], [%[x], #8]\n\t"                                                                    \
    "ldr %[x0], [%[x]], #12\n\t"
#define TK_DSP_SMLAD3(a, b, c, v)                                                                  \
    "smlad %[" a "], %[x0], %[" v "], %[" a "]\n\t"                                                \
    "smlad %[" b "], %[x1], %[" v "], %[" b "]\n\t"                                                \
    "smlad %[" c "], %[x2], %[" v "], %[" c "]\n\t"
#define TK_DSP_PAIR_2X3_W8                                                                         \
    "ldr %[v], [%[w]], #4\n\t" TK_DSP_X3 "sxtb16 %[u], %[v]\n\t"                                   \
    "sxtb16 %[v], %[v], ror #8\n\t" TK_DSP_SMLAD3("a0", "a1", "a2", "u")                           \
        TK_DSP_SMLAD3("a3", "a4", "a5", "v")
#define TK_DSP_PAIR_2X3_W16                                                                        \
    "ldr %[v], [%[w], #4]\n\t"                                                                     \
    "ldr %[u], [%[w]], #8\n\t" TK_DSP_X3 TK_DSP_SMLAD3("a0", "a1", "a2", "u")                      \
        TK_DSP_SMLAD3("a3", "a4", "a5", "v")
#define TK_DSP_TWO_1X3_W8                                                                          \
    "ldr %[v], [%[w]], #4\n\t" TK_DSP_X3                                                           \
    "sxtb16 %[u], %[v]\n\t" TK_DSP_SMLAD3("a0", "a1", "a2", "u") TK_DSP_X3                         \
        "sxtb16 %[v], %[v], ror #8\n\t" TK_DSP_SMLAD3("a0", "a1", "a2", "v")
#define TK_DSP_TWO_1X3_W16                                                                         \
    "ldr %[v], [%[w], #4]\n\t"                                                                     \
    "ldr %[u], [%[w]], #8\n\t" TK_DSP_X3 TK_DSP_SMLAD3("a0", "a1", "a2", "u")                      \
        TK_DSP_X3 TK_DSP_SMLAD3("a0", "a1", "a2", "v")

/* The end of the patch waits in a floating-point register: the others are all in use. */
#define TK_DSP_LOOP(body)                                                                          \
    "1:\n\t" body "vmov %[u], %[end]\n\t"                                                          \
    "cmp %[x], %[u]\n\t"                                                                           \
    "bne 1b"

#define TK_DSP_MAC(count, step, body)                                                              \
    do {                                                                                           \
        const int32_t whole = (count) / (step);                                                    \
        if (whole > 0) {                                                                           \
            const uint32_t *const limit = x + whole * (step) * 3;                                  \
            float end;                                                                             \
            __asm__("vmov %0, %1" : "=t"(end) : "r"(limit));                                       \
            __asm__ volatile(                                                                      \
                TK_DSP_LOOP(body)                                                                  \
                : [a0] "+r"(a0), [a1] "+r"(a1), [a2] "+r"(a2), [a3] "+r"(a3), [a4] "+r"(a4),       \
                  [a5] "+r"(a5), [w] "+r"(w), [x] "+r"(x), [x0] "=&r"(x0), [x1] "=&r"(x1),         \
                  [x2] "=&r"(x2), [u] "=&r"(u), [v] "=&r"(v)                                       \
                : [end] "t"(end)                                                                   \
                : "cc", "memory");                                                                 \
        }                                                                                          \
    } while (0)

#define TK_DSP_MAC_FUNCTION(name, one, two, step)                                                  \
    TK_INLINE const uint32_t *name(int32_t *acc, const uint32_t *w, const uint32_t *x,             \
                                   int32_t pairs) {                                                \
        int32_t a0 = acc[0], a1 = acc[1], a2 = acc[2], a3 = acc[3], a4 = acc[4], a5 = acc[5];      \
        uint32_t x0, x1, x2, u, v;                                                                 \
        TK_DSP_MAC(pairs, 8, one one one one two two two two);                                     \
        TK_DSP_MAC(pairs % 8, step, one two);                                                      \
        acc[0] = a0, acc[1] = a1, acc[2] = a2, acc[3] = a3, acc[4] = a4, acc[5] = a5;              \
        return w;                                                                                  \
    }

TK_DSP_MAC_FUNCTION(tk_f4b898af_dsp_mac_2x3_w8, TK_DSP_PAIR_2X3_W8, TK_DSP_PAIR_2X3_W8, 2)
TK_DSP_MAC_FUNCTION(tk_f4b898af_dsp_mac_2x3_w16, TK_DSP_PAIR_2X3_W16, TK_DSP_PAIR_2X3_W16, 2)
TK_DSP_MAC_FUNCTION(tk_f4b898af_dsp_mac_1x3_w8, TK_DSP_TWO_1X3_W8, "", 2)
TK_DSP_MAC_FUNCTION(tk_f4b898af_dsp_mac_1x3_w16, TK_DSP_TWO_1X3_W16, "", 2)

#else

TK_INLINE const uint32_t *tk_f4b898af_dsp_mac_2x3_w16(int32_t *acc, const uint32_t *w, const uint32_t *x,
                                             int32_t pairs) {
    for (int32_t pair = 0; pair < pairs; ++pair, w += 2, x += 3) {
        for (int32_t pixel = 0; pixel < 3; ++pixel) {
            acc[pixel] = tk_9b6e09c2_smlad(x[pixel], w[0], acc[pixel]);
            acc[3 + pixel] = tk_9b6e09c2_smlad(x[pixel], w[1], acc[3 + pixel]);
        }
    }
    return w;
}

TK_INLINE const uint32_t *tk_f4b898af_dsp_mac_2x3_w8(int32_t *acc, const uint32_t *w, const uint32_t *x,
                                            int32_t pairs) {
    for (int32_t pair = 0; pair < pairs; ++pair, ++w, x += 3) {
        for (int32_t pixel = 0; pixel < 3; ++pixel) {
            acc[pixel] = tk_9b6e09c2_smlad(x[pixel], tk_9b6e09c2_sxtb16(*w), acc[pixel]);
            acc[3 + pixel] = tk_9b6e09c2_smlad(x[pixel], tk_9b6e09c2_sxtb16_ror8(*w), acc[3 + pixel]);
        }
    }
    return w;
}

TK_INLINE const uint32_t *tk_f4b898af_dsp_mac_1x3_w16(int32_t *acc, const uint32_t *w, const uint32_t *x,
                                             int32_t pairs) {
    for (int32_t pair = 0; pair < pairs; ++pair, ++w, x += 3) {
        for (int32_t pixel = 0; pixel < 3; ++pixel) {
            acc[pixel] = tk_9b6e09c2_smlad(x[pixel], *w, acc[pixel]);
        }
    }
    return w;
}

TK_INLINE const uint32_t *tk_f4b898af_dsp_mac_1x3_w8(int32_t *acc, const uint32_t *w, const uint32_t *x,
                                            int32_t pairs) {
    for (int32_t pair = 0; pair < pairs; pair += 2, ++w, x += 6) {
        for (int32_t pixel = 0; pixel < 3; ++pixel) {
            acc[pixel] = tk_9b6e09c2_smlad(x[pixel], tk_9b6e09c2_sxtb16(*w), acc[pixel]);
            acc[pixel] = tk_9b6e09c2_smlad(x[3 + pixel], tk_9b6e09c2_sxtb16_ror8(*w), acc[pixel]);
        }
    }
    return w;
}

#endif

/* Quantised results (in place of the sums) of a 3x3 kernel over 6 or 4 neighbouring pixels of one
 * channel: x are the columns of the three rows, in pairs; stream is {bias, then for each row the
 * doubled weights (w0, w1) and (w1, w2), then multiplier, rounding, shift}; _s16: {bias, weights,
 * multiplier}. */
#if TK_DSP_BLOCKS
#define TK_DSP_SLIDE(even, odd, left, right)                                                       \
    "smlad %[" even "], %[" left "], %[u], %[" even "]\n\t"                                        \
    "smlabt %[" even "], %[" right "], %[v], %[" even "]\n\t"                                      \
    "smlatb %[" odd "], %[" left "], %[u], %[" odd "]\n\t"                                         \
    "smlad %[" odd "], %[" right "], %[v], %[" odd "]\n\t"
#define TK_DSP_SLIDE_LOAD(more)                                                                    \
    "ldr %[v], [%[w], #4]\n\t"                                                                     \
    "ldr %[u], [%[w]], #8\n\t"                                                                     \
    "ldr %[x1], [%[x], #4]\n\t"                                                                    \
    "ldr %[x2], [%[x], #8]\n\t" more "ldr %[x], [%[x]]\n\t"
#define TK_DSP_SLIDE_6                                                                             \
    TK_DSP_SLIDE_LOAD("ldr %[x3], [%[x], #12]\n\t")                                                \
    TK_DSP_SLIDE("a0", "a1", "x", "x1")                                                            \
    TK_DSP_SLIDE("a2", "a3", "x1", "x2") TK_DSP_SLIDE("a4", "a5", "x2", "x3")
#define TK_DSP_SLIDE_4                                                                             \
    TK_DSP_SLIDE_LOAD("")                                                                          \
    TK_DSP_SLIDE("a0", "a1", "x", "x1") TK_DSP_SLIDE("a2", "a3", "x1", "x2")
#define TK_DSP_SLIDE_ROWS(more, row)                                                               \
    "ldr %[a0], [%[w]], #4\n\t"                                                                    \
    "mov %[a1], %[a0]\n\t"                                                                         \
    "mov %[a2], %[a0]\n\t"                                                                         \
    "mov %[a3], %[a0]\n\t" more row "vmov %[x], %[r1]\n\t" row "vmov %[x], %[r2]\n\t" row

#define TK_DSP_SLIDE_RECORD_S8                                                                     \
    "ldr %[u], [%[w]]\n\t"                                                                         \
    "ldr %[v], [%[w], #4]\n\t"                                                                     \
    "ldr %[x1], [%[w], #8]\n\t"
#define TK_DSP_SLIDE_FINISH_S8(a)                                                                  \
    "add %[x2], %[v], %[" a "], asr #31\n\t"                                                       \
    "smmlar %[" a "], %[" a "], %[u], %[x2]\n\t"                                                   \
    "asr %[" a "], %[" a "], %[x1]\n\t"                                                            \
    "ssat %[" a "], #8, %[" a "]\n\t"
#define TK_DSP_SLIDE_RECORD_S16 "ldr %[u], [%[w]]\n\t"
#define TK_DSP_SLIDE_FINISH_S16(a)                                                                 \
    "smmulr %[" a "], %[" a "], %[u]\n\t"                                                          \
    "ssat %[" a "], #16, %[" a "]\n\t"

#define TK_DSP_SLIDE_FUNCTION(name, record, finish)                                                \
    TK_INLINE void name(int32_t *q, const uint32_t *w, const uint32_t *const *rows, int32_t first, \
                        int32_t pixels) {                                                          \
        const uint32_t *x = rows[0] + first;                                                       \
        uint32_t u, v, x1, x2, x3;                                                                 \
        float r1, r2;                                                                              \
        __asm__("vmov %0, %1" : "=t"(r1) : "r"(rows[1] + first));                                  \
        __asm__("vmov %0, %1" : "=t"(r2) : "r"(rows[2] + first));                                  \
        if (pixels == 6) {                                                                         \
            __asm__ volatile(                                                                      \
                TK_DSP_SLIDE_ROWS("mov %[a4], %[a0]\n\tmov %[a5], %[a0]\n\t", TK_DSP_SLIDE_6)      \
                    record finish("a0") finish("a1") finish("a2") finish("a3") finish("a4")        \
                        finish("a5")                                                               \
                : [a0] "=&r"(q[0]), [a1] "=&r"(q[1]), [a2] "=&r"(q[2]), [a3] "=&r"(q[3]),          \
                  [a4] "=&r"(q[4]), [a5] "=&r"(q[5]), [u] "=&r"(u), [v] "=&r"(v), [x1] "=&r"(x1),  \
                  [x2] "=&r"(x2), [x3] "=&r"(x3), [x] "+r"(x), [w] "+r"(w)                         \
                : [r1] "t"(r1), [r2] "t"(r2)                                                       \
                : "memory");                                                                       \
        } else {                                                                                   \
            __asm__ volatile(TK_DSP_SLIDE_ROWS("", TK_DSP_SLIDE_4) record finish("a0")             \
                                 finish("a1") finish("a2") finish("a3")                            \
                             : [a0] "=&r"(q[0]), [a1] "=&r"(q[1]), [a2] "=&r"(q[2]),               \
                               [a3] "=&r"(q[3]), [u] "=&r"(u), [v] "=&r"(v), [x1] "=&r"(x1),       \
                               [x2] "=&r"(x2), [x] "+r"(x), [w] "+r"(w)                            \
                             : [r1] "t"(r1), [r2] "t"(r2)                                          \
                             : "memory");                                                          \
        }                                                                                          \
    }

TK_DSP_SLIDE_FUNCTION(tk_f4b898af_dsp_slide_3x3, TK_DSP_SLIDE_RECORD_S8, TK_DSP_SLIDE_FINISH_S8)
TK_DSP_SLIDE_FUNCTION(tk_f4b898af_dsp_slide_3x3_s16, TK_DSP_SLIDE_RECORD_S16, TK_DSP_SLIDE_FINISH_S16)
#else
#define TK_DSP_SLIDE_FUNCTION(name, finish)                                                        \
    TK_INLINE void name(int32_t *q, const uint32_t *w, const uint32_t *const *rows, int32_t first, \
                        int32_t pixels) {                                                          \
        for (int32_t i = 0; i < pixels; ++i) {                                                     \
            int32_t sum = (int32_t)w[0];                                                           \
            for (int32_t row = 0; row < 3; ++row) {                                                \
                const uint32_t *const x = rows[row] + first + i / 2, *const taps =                 \
                                                                         w + 1 + 2 * row;          \
                sum = i % 2 == 0 ? tk_9b6e09c2_smlabt(x[1], taps[1], tk_9b6e09c2_smlad(x[0], taps[0], sum))          \
                                 : tk_9b6e09c2_smlad(x[1], taps[1], tk_9b6e09c2_smlatb(x[0], taps[0], sum));         \
            }                                                                                      \
            q[i] = finish(sum, (const int32_t *)w + 6);                                            \
        }                                                                                          \
    }

TK_INLINE int32_t tk_f4b898af_dsp_requantize_s8(int32_t doubled, const int32_t *record) {
    return tk_9b6e09c2_ssat8(tk_f4b898af_dsp_requantize(doubled, record));
}

TK_DSP_SLIDE_FUNCTION(tk_f4b898af_dsp_slide_3x3, tk_f4b898af_dsp_requantize_s8)
TK_DSP_SLIDE_FUNCTION(tk_f4b898af_dsp_slide_3x3_s16, tk_f4b898af_dsp_requantize_s16)
#endif

/* Requantises and stores the sums of one output channel of three pixels. */
TK_INLINE void tk_f4b898af_dsp_store3(const int32_t *acc, int32_t must_double, const int32_t *record,
                             int8_t *out, int32_t stride) {
    for (int32_t pixel = 0; pixel < 3; ++pixel) {
        const int32_t doubled = must_double ? 2 * acc[pixel] : acc[pixel];
        out[pixel * stride] = (int8_t)tk_9b6e09c2_ssat8(tk_f4b898af_dsp_requantize(doubled, record));
    }
}

/* Adds `positions` rows of `channels` values to the sums of each channel. */
static inline void tk_f4b898af_dsp_sum(const int8_t *in, int32_t positions, int32_t channels,
                              int32_t *sums) {
    int32_t c = 0;
    for (; c + 4 <= channels; c += 4) {
        const int8_t *at = in + c;
        for (int32_t left = positions; left > 0;) {
            int32_t block = left < 255 ? left : 255; /* keeps sums of pairs in 16 bits */
            uint32_t even = 0, odd = 0;
            left -= block;
            for (; block > 0; --block, at += channels) {
                const uint32_t four = tk_9b6e09c2_load32(at);
                even = tk_9b6e09c2_sxtab16(even, four);
                odd = tk_9b6e09c2_sxtab16(odd, four >> 8);
            }
            sums[c] += tk_9b6e09c2_low16(even);
            sums[c + 1] += tk_9b6e09c2_low16(odd);
            sums[c + 2] += tk_9b6e09c2_high16(even);
            sums[c + 3] += tk_9b6e09c2_high16(odd);
        }
    }
    for (; c < channels; ++c) {
        for (int32_t i = 0; i < positions; ++i) {
            sums[c] += in[i * channels + c];
        }
    }
}

TK_INLINE void tk_f4b898af_dsp_clamp(int8_t *data, int32_t count, int32_t low, int32_t high) {
    for (int32_t i = 0; i < count; ++i) {
        data[i] = (int8_t)tk_368921da_clamp(data[i], low, high);
    }
}

/* A fused activation's limits, where they are not the type's. */
TK_INLINE void tk_f4b898af_dsp_clamp_s16(int16_t *data, int32_t count, int32_t low, int32_t high) {
    if (low > INT16_MIN || high < INT16_MAX) {
        for (int32_t i = 0; i < count; ++i) {
            data[i] = (int16_t)tk_368921da_clamp(data[i], low, high);
        }
    }
}

#endif
