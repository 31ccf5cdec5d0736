/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_fully_connected_s8_dsp.h"

#include "tk_dsp_mac.h"

/* Adds four inputs' products to the sums of `outputs` (a constant, at most 4) outputs; w holds a
 * word of each. */
TK_INLINE void multiply(int32_t *sums, uint32_t x, const uint32_t *w, int32_t outputs) {
    const uint32_t even = tk_sxtb16(x), odd = tk_sxtb16_ror8(x);
    for (int32_t o = 0; o < outputs; ++o) {
        sums[o] = tk_smlad(even, tk_sxtb16(w[o]), sums[o]);
        sums[o] = tk_smlad(odd, tk_sxtb16_ror8(w[o]), sums[o]);
    }
}

/* The same for four outputs and `words` (even) words of inputs. */
TK_INLINE void multiply_all(int32_t *sums, const int8_t *in, const uint32_t *w, int32_t words) {
#if TK_DSP_INSTRUCTIONS && defined(__OPTIMIZE__)
#define TWO(a, b, load)                                                                            \
    "ldr %[v], [%[w], #4]\n\t"                                                                     \
    "ldr %[u], [%[w]], #8\n\t" load "sxtb16 %[t], %[u]\n\t"                                        \
    "smlad %[" a "], %[even], %[t], %[" a "]\n\t"                                                  \
    "sxtb16 %[u], %[u], ror #8\n\t"                                                                \
    "smlad %[" a "], %[odd], %[u], %[" a "]\n\t"                                                   \
    "sxtb16 %[t], %[v]\n\t"                                                                        \
    "smlad %[" b "], %[even], %[t], %[" b "]\n\t"                                                  \
    "sxtb16 %[v], %[v], ror #8\n\t"                                                                \
    "smlad %[" b "], %[odd], %[v], %[" b "]\n\t"
#define FOUR                                                                                       \
    TWO("s0", "s1",                                                                                \
        "ldr %[odd], [%[in]], #4\n\tsxtb16 %[even], %[odd]\n\t"                                    \
        "sxtb16 %[odd], %[odd], ror #8\n\t")                                                       \
    TWO("s2", "s3", "")
    const int8_t *const end = in + 4 * words;
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    uint32_t even, odd, t, u, v;
    if (words > 0) {
        __asm__ volatile("1:\n\t" FOUR FOUR "cmp %[in], %[end]\n\tbne 1b"
                         : [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3),
                           [in] "+r"(in), [w] "+r"(w), [even] "=&r"(even), [odd] "=&r"(odd),
                           [t] "=&r"(t), [u] "=&r"(u), [v] "=&r"(v)
                         : [end] "r"(end)
                         : "cc", "memory");
    }
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
#else
    for (int32_t i = 0; i < words; ++i) {
        multiply(sums, tk_load32(in + 4 * i), w + 4 * i, 4);
    }
#endif
}

/* Both for weights of 16 bits, `words` a multiple of four: of an output the pairs (k0, k2) and
 * (k1, k3) in a row. */
TK_INLINE void multiply_16(int32_t *sums, uint32_t x, const uint32_t *w, int32_t outputs) {
    const uint32_t even = tk_sxtb16(x), odd = tk_sxtb16_ror8(x);
    for (int32_t o = 0; o < outputs; ++o) {
        sums[o] = tk_smlad(even, w[2 * o], sums[o]);
        sums[o] = tk_smlad(odd, w[2 * o + 1], sums[o]);
    }
}

TK_INLINE void multiply_all_16(int32_t *sums, const int8_t *in, const uint32_t *w, int32_t words) {
#if TK_DSP_INSTRUCTIONS && defined(__OPTIMIZE__) && TK_MAY_USE_R9
#define TWO_16(a, b, load, widen)                                                                  \
    load "ldr %[u], [%[w], #4]\n\t"                                                                \
         "ldr %[v], [%[w], #8]\n\t"                                                                \
         "ldr %[s], [%[w], #12]\n\t"                                                               \
         "ldr %[t], [%[w]], #16\n\t" widen "smlad %[" a "], %[even], %[t], %[" a "]\n\t"           \
         "smlad %[" a "], %[odd], %[u], %[" a "]\n\t"                                              \
         "smlad %[" b "], %[even], %[v], %[" b "]\n\t"                                             \
         "smlad %[" b "], %[odd], %[s], %[" b "]\n\t"
#define FOUR_16                                                                                    \
    TWO_16("s0", "s1", "ldr %[odd], [%[in]], #4\n\t",                                              \
           "sxtb16 %[even], %[odd]\n\tsxtb16 %[odd], %[odd], ror #8\n\t")                          \
    TWO_16("s2", "s3", "", "")
    const int8_t *const end = in + 4 * words;
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    uint32_t even, odd, s, t, u, v;
    if (words > 0) {
        __asm__ volatile("1:\n\t" FOUR_16 FOUR_16 FOUR_16 FOUR_16 "cmp %[in], %[end]\n\tbne 1b"
                         : [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3),
                           [in] "+r"(in), [w] "+r"(w), [even] "=&r"(even), [odd] "=&r"(odd),
                           [s] "=&r"(s), [t] "=&r"(t), [u] "=&r"(u), [v] "=&r"(v)
                         : [end] "r"(end)
                         : "cc", "memory");
    }
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
#else
    for (int32_t i = 0; i < words; ++i) {
        multiply_16(sums, tk_load32(in + 4 * i), w + 8 * i, 4);
    }
#endif
}

/* Four inputs by weights of either width. */
TK_INLINE void multiply_word(int32_t wide, int32_t *sums, uint32_t x, const uint32_t *w,
                             int32_t outputs) {
    if (wide) {
        multiply_16(sums, x, w, outputs);
    } else {
        multiply(sums, x, w, outputs);
    }
}

/* `outputs` (a constant, at most 4) outputs for one vector, by weights of which `wide`, a constant,
 * says whether they have 16 bits; `tail` are the inputs behind the last whole word. */
TK_INLINE const uint32_t *some_outputs(const tk_fully_connected_s8_dsp_params *p, int32_t wide,
                                       int32_t outputs, const int8_t *in, uint32_t tail,
                                       const uint32_t *w, const int32_t *record, int8_t *out) {
    const int32_t words = p->inputs / 4, each = wide ? 2 * outputs : outputs;
    int32_t sums[4], i = 0;
    for (int32_t o = 0; o < outputs; ++o) {
        sums[o] = record[4 * o];
    }
    if (outputs == 4) {
        if (wide) {
            i = words & ~3;
            multiply_all_16(sums, in, w, i);
        } else {
            i = words & ~1;
            multiply_all(sums, in, w, i);
        }
        w += each * i;
    }
    for (; i < words; ++i, w += each) {
        multiply_word(wide, sums, tk_load32(in + 4 * i), w, outputs);
    }
    if (p->inputs % 4 > 0) {
        multiply_word(wide, sums, tail, w, outputs);
        w += each;
    }
    for (int32_t o = 0; o < outputs; ++o, record += 4) {
        out[o] = (int8_t)tk_ssat8(tk_dsp_requantize(wide ? sums[o] : 2 * sums[o], record));
    }
    return w;
}

/* All outputs for one vector; `wide`, a constant: weights of 16 bits. */
TK_INLINE void vector(const tk_fully_connected_s8_dsp_params *p, int32_t wide, const int8_t *in,
                      int8_t *out) {
    const int32_t *record = p->requantize;
    const uint32_t *w = p->weights;
    uint32_t tail = 0;
    int32_t o = 0;
    for (int32_t i = 0; i < p->inputs % 4; ++i) {
        tail |= (uint32_t)(uint8_t)in[p->inputs / 4 * 4 + i] << 8 * i;
    }
    for (; o + 4 <= p->outputs; o += 4) {
        w = some_outputs(p, wide, 4, in, tail, w, record + 4 * o, out + o);
    }
    if (p->outputs - o == 3) {
        some_outputs(p, wide, 3, in, tail, w, record + 4 * o, out + o);
    } else if (p->outputs - o == 2) {
        some_outputs(p, wide, 2, in, tail, w, record + 4 * o, out + o);
    } else if (p->outputs > o) {
        some_outputs(p, wide, 1, in, tail, w, record + 4 * o, out + o);
    }
}

void tk_fully_connected_s8_dsp(const tk_fully_connected_s8_dsp_params *p, const int8_t *in,
                               int8_t *out) {
    for (int32_t b = 0; b < p->batches; ++b, in += p->inputs) {
        if (p->weight_bits == 16) {
            vector(p, 1, in, out + b * p->outputs);
        } else {
            vector(p, 0, in, out + b * p->outputs);
        }
    }
    if (p->out_min > INT8_MIN || p->out_max < INT8_MAX) {
        tk_dsp_clamp(out, p->batches * p->outputs, p->out_min, p->out_max);
    }
}
