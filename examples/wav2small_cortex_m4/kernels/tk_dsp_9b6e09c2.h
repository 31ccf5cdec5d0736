/* SPDX-License-Identifier: Apache-2.0 */
/* The DSP extension of Armv7E-M and Armv8-M, one instruction a function; elsewhere its meaning in
 * C.
 *
 * A packed word holds two int16 values, the first in memory in its low half.  Sums wrap around
 * like the instructions' do.  Little endian.
 */
#ifndef TK_DSP_H
#define TK_DSP_H

#include <stddef.h>
#include <stdint.h>

#include "tk_common_368921da.h"
#include "tk_compiler_5530835e.h"

TK_INLINE uint32_t tk_9b6e09c2_load32(const void *at) {
    uint32_t word;
    TK_COPY(&word, at, sizeof word);
    return word;
}

TK_INLINE void tk_9b6e09c2_store32(void *at, uint32_t word) {
    TK_COPY(at, &word, sizeof word);
}

/* Low and high half of a packed word. */
TK_INLINE int32_t tk_9b6e09c2_low16(uint32_t packed) {
    return (int16_t)(uint16_t)packed;
}

TK_INLINE int32_t tk_9b6e09c2_high16(uint32_t packed) {
    return (int16_t)(uint16_t)(packed >> 16);
}

TK_INLINE uint32_t tk_9b6e09c2_pack16(int32_t low, int32_t high) {
    return ((uint32_t)low & 0xFFFFu) | (uint32_t)high << 16;
}

/* a + b and a - b modulo 2^32. */
TK_INLINE int32_t tk_9b6e09c2_wrap_add(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

TK_INLINE int32_t tk_9b6e09c2_wrap_sub(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a - (uint32_t)b);
}

/* TK_DSP_OP2(name, instruction, C value): two operands; OP3 has an accumulator. */
#if TK_DSP_INSTRUCTIONS
#define TK_DSP_OP2(name, instruction, result_type, type, value)                                    \
    TK_INLINE result_type name(type a, type b) {                                                   \
        result_type result;                                                                        \
        __asm__(instruction " %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));                        \
        return result;                                                                             \
    }
#define TK_DSP_OP3(name, instruction, type, value)                                                 \
    TK_INLINE int32_t name(type a, type b, int32_t sum) {                                          \
        int32_t result;                                                                            \
        __asm__(instruction " %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));          \
        return result;                                                                             \
    }
#define TK_DSP_OP1(name, instruction, result_type, type, value)                                    \
    TK_INLINE result_type name(type a) {                                                           \
        result_type result;                                                                        \
        __asm__(instruction : "=r"(result) : "r"(a));                                              \
        return result;                                                                             \
    }
#else
#define TK_DSP_OP2(name, instruction, result_type, type, value)                                    \
    TK_INLINE result_type name(type a, type b) {                                                   \
        return value;                                                                              \
    }
#define TK_DSP_OP3(name, instruction, type, value)                                                 \
    TK_INLINE int32_t name(type a, type b, int32_t sum) {                                          \
        return tk_9b6e09c2_wrap_add(sum, value);                                                            \
    }
#define TK_DSP_OP1(name, instruction, result_type, type, value)                                    \
    TK_INLINE result_type name(type a) {                                                           \
        return value;                                                                              \
    }
#endif

/* Sums of products of signed halves; SMUAD and SMLAD: low * low + high * high. */
TK_DSP_OP2(tk_9b6e09c2_smuad, "smuad", int32_t, uint32_t,
           tk_9b6e09c2_wrap_add(tk_9b6e09c2_low16(a) * tk_9b6e09c2_low16(b), tk_9b6e09c2_high16(a) * tk_9b6e09c2_high16(b)))
TK_DSP_OP3(tk_9b6e09c2_smlad, "smlad", uint32_t,
           tk_9b6e09c2_wrap_add(tk_9b6e09c2_low16(a) * tk_9b6e09c2_low16(b), tk_9b6e09c2_high16(a) * tk_9b6e09c2_high16(b)))
TK_DSP_OP2(tk_9b6e09c2_smulbb, "smulbb", int32_t, uint32_t, tk_9b6e09c2_low16(a) * tk_9b6e09c2_low16(b))
TK_DSP_OP3(tk_9b6e09c2_smlabb, "smlabb", uint32_t, tk_9b6e09c2_low16(a) * tk_9b6e09c2_low16(b))
TK_DSP_OP3(tk_9b6e09c2_smlabt, "smlabt", uint32_t, tk_9b6e09c2_low16(a) * tk_9b6e09c2_high16(b))
TK_DSP_OP3(tk_9b6e09c2_smlatb, "smlatb", uint32_t, tk_9b6e09c2_high16(a) * tk_9b6e09c2_low16(b))
TK_DSP_OP3(tk_9b6e09c2_smlatt, "smlatt", uint32_t, tk_9b6e09c2_high16(a) * tk_9b6e09c2_high16(b))

/* High word of a * b (and of sum * 2^32 + a * b), rounded to nearest, ties up. */
TK_DSP_OP2(tk_9b6e09c2_smmulr, "smmulr", int32_t, int32_t, tk_368921da_high_word(a, b))
TK_DSP_OP3(tk_9b6e09c2_smmlar, "smmlar", int32_t, tk_368921da_high_word(a, b))

/* Both halves at once. */
TK_DSP_OP2(tk_9b6e09c2_sadd16, "sadd16", uint32_t, uint32_t,
           tk_9b6e09c2_pack16(tk_9b6e09c2_low16(a) + tk_9b6e09c2_low16(b), tk_9b6e09c2_high16(a) + tk_9b6e09c2_high16(b)))
TK_DSP_OP2(tk_9b6e09c2_ssub16, "ssub16", uint32_t, uint32_t,
           tk_9b6e09c2_pack16(tk_9b6e09c2_low16(a) - tk_9b6e09c2_low16(b), tk_9b6e09c2_high16(a) - tk_9b6e09c2_high16(b)))

/* Bytes 0 and 2 (ror8: 1 and 3) widened with their signs; sxtab16 adds them to a's halves. */
TK_DSP_OP1(tk_9b6e09c2_sxtb16, "sxtb16 %0, %1", uint32_t, uint32_t,
           tk_9b6e09c2_pack16((int8_t)(uint8_t)a, (int8_t)(uint8_t)(a >> 16)))
TK_DSP_OP1(tk_9b6e09c2_sxtb16_ror8, "sxtb16 %0, %1, ror #8", uint32_t, uint32_t,
           tk_9b6e09c2_pack16((int8_t)(uint8_t)(a >> 8), (int8_t)(uint8_t)(a >> 24)))
TK_DSP_OP2(tk_9b6e09c2_sxtab16, "sxtab16", uint32_t, uint32_t,
           tk_9b6e09c2_pack16(tk_9b6e09c2_low16(a) + (int8_t)(uint8_t)b, tk_9b6e09c2_high16(a) + (int8_t)(uint8_t)(b >> 16)))

TK_INLINE uint32_t tk_9b6e09c2_sxtab16_ror8(uint32_t a, uint32_t b) {
#if TK_DSP_INSTRUCTIONS
    uint32_t result;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(result) : "r"(a), "r"(b));
    return result;
#else
    return tk_9b6e09c2_sxtab16(a, b >> 8);
#endif
}

/* Clamp to int16, to int8 and to uint8. */
#if TK_SATURATING_INSTRUCTIONS
#define TK_DSP_SATURATE(name, instruction, low, high)                                              \
    TK_INLINE int32_t name(int32_t a) {                                                            \
        int32_t result;                                                                            \
        __asm__(instruction " %1" : "=r"(result) : "r"(a));                                        \
        return result;                                                                             \
    }
#else
#define TK_DSP_SATURATE(name, instruction, low, high)                                              \
    TK_INLINE int32_t name(int32_t a) {                                                            \
        return a < (low) ? (low) : (a > (high) ? (high) : a);                                      \
    }
#endif
TK_DSP_SATURATE(tk_9b6e09c2_ssat16, "ssat %0, #16,", -32768, 32767)
TK_DSP_SATURATE(tk_9b6e09c2_ssat8, "ssat %0, #8,", -128, 127)
TK_DSP_SATURATE(tk_9b6e09c2_usat8, "usat %0, #8,", 0, 255)

/* Low half of a with the low half of b above it; high half of a with the high half of b below. */
TK_INLINE uint32_t tk_9b6e09c2_pkhbt(uint32_t a, uint32_t b) {
    return (a & 0xFFFFu) | b << 16;
}

TK_INLINE uint32_t tk_9b6e09c2_pkhtb(uint32_t a, uint32_t b) {
    return (a & 0xFFFF0000u) | b >> 16;
}

/* The larger of each two bytes. */
TK_INLINE uint32_t tk_9b6e09c2_larger8(uint32_t a, uint32_t b) {
#if TK_DSP_INSTRUCTIONS
    uint32_t result;
    __asm__("ssub8 %0, %1, %2\n\t"
            "sel %0, %1, %2"
            : "=&r"(result)
            : "r"(a), "r"(b));
    return result;
#else
    /* The top bit of each byte: whether a's is at least b's, by their signs or else the others. */
    const uint32_t tops = 0x80808080u, rest = (a | tops) - (b & ~tops);
    const uint32_t larger = ((~a & b) | (~(a ^ b) & rest)) & tops;
    const uint32_t mask = (larger << 1) - (larger >> 7);
    return (a & mask) | (b & ~mask);
#endif
}

/* The larger of each two halves. */
TK_INLINE uint32_t tk_9b6e09c2_larger16(uint32_t a, uint32_t b) {
#if TK_DSP_INSTRUCTIONS
    uint32_t result;
    __asm__("ssub16 %0, %1, %2\n\t"
            "sel %0, %1, %2"
            : "=&r"(result)
            : "r"(a), "r"(b));
    return result;
#else
    const int32_t low = tk_9b6e09c2_low16(a) > tk_9b6e09c2_low16(b) ? tk_9b6e09c2_low16(a) : tk_9b6e09c2_low16(b);
    const int32_t high = tk_9b6e09c2_high16(a) > tk_9b6e09c2_high16(b) ? tk_9b6e09c2_high16(a) : tk_9b6e09c2_high16(b);
    return tk_9b6e09c2_pack16(low, high);
#endif
}

/* The words at that place of three rows. */
TK_INLINE void tk_9b6e09c2_load32_of_3(const int8_t *const *rows, int32_t at, uint32_t *words) {
#if TK_DSP_INSTRUCTIONS
    uint32_t a, b, c; /* loads in a row: a compiler would part them */
    __asm__ volatile("ldr %0, [%3, %6]\n\t"
                     "ldr %1, [%4, %6]\n\t"
                     "ldr %2, [%5, %6]"
                     : "=&r"(a), "=&r"(b), "=&r"(c)
                     : "r"(rows[0]), "r"(rows[1]), "r"(rows[2]), "r"(at)
                     : "memory");
    words[0] = a, words[1] = b, words[2] = c;
#else
    for (int32_t row = 0; row < 3; ++row) {
        words[row] = tk_9b6e09c2_load32(rows[row] + at);
    }
#endif
}

#endif
