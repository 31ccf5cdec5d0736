/* SPDX-License-Identifier: Apache-2.0 */
/* Products of 64 bits: those of the compiler, but for cores that have none longer than 32 bits. */
#ifndef TK_MULTIPLY_Q_H
#define TK_MULTIPLY_Q_H

#include <stdint.h>

static inline uint64_t tk_multiply_u32_u16(uint32_t a, uint16_t b) {
#if defined(__ARM_ARCH_6M__)
    return ((uint64_t)((a >> 16) * b) << 16) + (a & 0xFFFFu) * b;
#else
    return (uint64_t)a * b;
#endif
}

static inline int64_t tk_multiply_s32(int32_t a, int32_t b) {
#if defined(__ARM_ARCH_6M__)
    const int32_t a_high = a >> 16, b_high = b >> 16;
    const uint32_t a_low = (uint32_t)a & 0xFFFFu, b_low = (uint32_t)b & 0xFFFFu;
    const uint32_t low = a_low * b_low;
    /* Neither sum leaves 32 bits: |a_high * b_low| is below 2^31, what is added below 2^16. */
    const int32_t middle = a_high * (int32_t)b_low + (int32_t)(low >> 16);
    const int32_t other = b_high * (int32_t)a_low + (int32_t)((uint32_t)middle & 0xFFFFu);
    const int32_t high = a_high * b_high + (middle >> 16) + (other >> 16);
    return (int64_t)((uint64_t)(uint32_t)high << 32 | (uint32_t)other << 16 | (low & 0xFFFFu));
#else
    return (int64_t)a * b;
#endif
}

#endif
