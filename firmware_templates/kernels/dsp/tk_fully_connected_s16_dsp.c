/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_fully_connected_s16_dsp.h"

#include "tk_dsp_mac.h"

/* Adds four inputs' products to the sums of `outputs` (a constant, at most 4) outputs; w holds a
 * word of each. */
TK_INLINE void multiply(int32_t *sums, uint32_t low, uint32_t high, const uint32_t *w,
                        int32_t outputs) {
    for (int32_t o = 0; o < outputs; ++o) {
        sums[o] = tk_smlad(low, tk_sxtb16(w[o]), sums[o]);
        sums[o] = tk_smlad(high, tk_sxtb16_ror8(w[o]), sums[o]);
    }
}

/* The same for four outputs and `fours` times four inputs. */
TK_INLINE void multiply_all(int32_t *sums, const int16_t *in, const uint32_t *w, int32_t fours) {
#if TK_DSP_INSTRUCTIONS && defined(__OPTIMIZE__)
#define TWO(a, b, load)                                                                            \
    "ldr %[v], [%[w], #4]\n\t"                                                                     \
    "ldr %[u], [%[w]], #8\n\t" load "sxtb16 %[t], %[u]\n\t"                                        \
    "smlad %[" a "], %[low], %[t], %[" a "]\n\t"                                                   \
    "sxtb16 %[u], %[u], ror #8\n\t"                                                                \
    "smlad %[" a "], %[high], %[u], %[" a "]\n\t"                                                  \
    "sxtb16 %[t], %[v]\n\t"                                                                        \
    "smlad %[" b "], %[low], %[t], %[" b "]\n\t"                                                   \
    "sxtb16 %[v], %[v], ror #8\n\t"                                                                \
    "smlad %[" b "], %[high], %[v], %[" b "]\n\t"
#define FOUR                                                                                       \
    TWO("s0", "s1", "ldr %[high], [%[in], #4]\n\tldr %[low], [%[in]], #8\n\t")                     \
    TWO("s2", "s3", "")
    const int16_t *const end = in + 4 * fours;
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    uint32_t low, high, t, u, v;
    if (fours > 0) {
        __asm__ volatile("1:\n\t" FOUR "cmp %[in], %[end]\n\tbne 1b"
                         : [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3),
                           [in] "+r"(in), [w] "+r"(w), [low] "=&r"(low), [high] "=&r"(high),
                           [t] "=&r"(t), [u] "=&r"(u), [v] "=&r"(v)
                         : [end] "r"(end)
                         : "cc", "memory");
    }
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
#else
    for (int32_t i = 0; i < fours; ++i) {
        multiply(sums, tk_load32(in + 4 * i), tk_load32(in + 4 * i + 2), w + 4 * i, 4);
    }
#endif
}

/* `outputs` (a constant, at most 4) outputs for one vector; low and high are the inputs behind the
 * last four. */
TK_INLINE const uint32_t *some_outputs(const tk_fully_connected_s16_dsp_params *p, int32_t outputs,
                                       const int16_t *in, uint32_t low, uint32_t high,
                                       const uint32_t *w, const int32_t *record, int16_t *out) {
    const int32_t fours = p->inputs / 4;
    int32_t sums[4];
    for (int32_t o = 0; o < outputs; ++o) {
        sums[o] = record[2 * o];
    }
    if (outputs == 4) {
        multiply_all(sums, in, w, fours);
    } else {
        for (int32_t i = 0; i < fours; ++i) {
            const int16_t *const at = in + 4 * i;
            multiply(sums, tk_load32(at), tk_load32(at + 2), w + outputs * i, outputs);
        }
    }
    w += outputs * fours;
    if (p->inputs % 4 > 0) {
        multiply(sums, low, high, w, outputs);
        w += outputs;
    }
    for (int32_t o = 0; o < outputs; ++o, record += 2) {
        out[o] = (int16_t)tk_dsp_requantize_s16(sums[o], record);
    }
    return w;
}

void tk_fully_connected_s16_dsp(const tk_fully_connected_s16_dsp_params *p, const int16_t *in,
                                int16_t *out) {
    const int32_t left = p->inputs % 4;
    for (int32_t b = 0; b < p->batches; ++b, in += p->inputs) {
        int16_t *const to = out + b * p->outputs;
        const int16_t *const last = in + p->inputs - left;
        const uint32_t low = left > 0 ? tk_pack16(last[0], left > 1 ? last[1] : 0) : 0;
        const uint32_t high = left > 2 ? tk_pack16(last[2], 0) : 0;
        const int32_t *record = p->requantize;
        const uint32_t *w = p->weights;
        int32_t o = 0;
        for (; o + 4 <= p->outputs; o += 4, record += 8) {
            w = some_outputs(p, 4, in, low, high, w, record, to + o);
        }
        if (p->outputs - o == 3) {
            some_outputs(p, 3, in, low, high, w, record, to + o);
        } else if (p->outputs - o == 2) {
            some_outputs(p, 2, in, low, high, w, record, to + o);
        } else if (p->outputs > o) {
            some_outputs(p, 1, in, low, high, w, record, to + o);
        }
    }
    tk_dsp_clamp_s16(out, p->batches * p->outputs, p->out_min, p->out_max);
}
