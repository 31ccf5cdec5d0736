/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between compilers: all syntax that is not C99 stands here, or in kernels/dsp behind
 * TK_DSP_INSTRUCTIONS and TK_DSP_BLOCKS.
 *
 * Kernels for the DSP extension have two sorts of assembly.  Single instructions need nothing but
 * the extension.  Blocks (loops, whole functions) take all core registers, r9 among them: they are
 * compiled where TK_MAY_USE_R9 is 1, which the build states unless r9 has another use (-ffixed-r9,
 * RWPI), and where the compiler optimises.  They give r7 back as they found it, so that it may be
 * the frame pointer.  Elsewhere plain C takes their place, with the same bits.
 */
#ifndef TK_COMPILER_H
#define TK_COMPILER_H

#include <stdint.h>

#if !defined(TK_MAY_USE_R9)
#define TK_MAY_USE_R9 0
#endif
#if TK_MAY_USE_R9 && defined(__ARM_RWPI)
#error "RWPI keeps the address of data in r9: compile with -DTK_MAY_USE_R9=0"
#endif

/* What the library's functions ask of their callers; nothing unless a project defines it, for
 * example by a header of its own: -DTK_ASSERT_HEADER='"my_assert.h"'. */
#if defined(TK_ASSERT_HEADER)
#include TK_ASSERT_HEADER
#endif
#if !defined(TK_ASSERT)
#define TK_ASSERT(condition) ((void)0)
#endif

#if defined(__BYTE_ORDER__) && defined(__ORDER_BIG_ENDIAN__)
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "the weights are little-endian words"
#endif
#endif

/* Puts a constant or a function into a section of its own, where a linker script finds it. */
#if defined(__GNUC__) && defined(__ELF__)
#define TK_SECTION(name) __attribute__((section(name)))
#else
#define TK_SECTION(name)
#endif

/* What waits longest for instructions from flash; in a build with TK_HOT_CODE=1 the start-up code
 * copies these sections to RAM. */
#if !defined(TK_HOT_CODE)
#define TK_HOT_CODE 0
#endif
#if TK_HOT_CODE
#define TK_HOT(name) TK_SECTION(".RamFunc." name)
#else
#define TK_HOT(name)
#endif

#if defined(__GNUC__) /* gcc, clang, armclang */

/* Without optimisation a stack frame would hold all variables of all that is inlined. */
#if defined(__OPTIMIZE__)
#define TK_INLINE static inline __attribute__((always_inline, unused))
#else
#define TK_INLINE static inline __attribute__((unused))
#endif
#define TK_NOINLINE __attribute__((noinline))
/* Whether the compiler knows the value: assembly that has it in its instructions needs that. */
#define TK_IS_CONSTANT(value) __builtin_constant_p(value)
#define TK_NAKED __attribute__((naked))
#define TK_ALIGNED(bytes) __attribute__((aligned(bytes)))
#define TK_COPY(to, from, bytes) ((void)__builtin_memcpy(to, from, bytes))
#define TK_MOVE(to, from, bytes) ((void)__builtin_memmove(to, from, bytes))
#define TK_ZERO(to, bytes) ((void)__builtin_memset(to, 0, bytes))

/* The zeros before the first one of a value that is not 0. */
TK_INLINE int32_t tk_5530835e_leading_zeros(uint32_t value) {
    return __builtin_clz(value);
}

TK_INLINE int32_t tk_5530835e_leading_zeros_64(uint64_t value) {
    return __builtin_clzll(value);
}

/* The same value, of which the compiler knows nothing. */
TK_INLINE int32_t tk_5530835e_opaque(int32_t value) {
    __asm__("" : "+r"(value));
    return value;
}

/* Loads stay on their side of this: moved together they would not find registers. */
#define TK_ORDERED() __asm__ volatile("" ::: "memory")

#else

#include <string.h>

#define TK_INLINE static inline
#define TK_NOINLINE
#define TK_ALIGNED(bytes)
#define TK_COPY(to, from, bytes) ((void)memcpy(to, from, bytes))
#define TK_MOVE(to, from, bytes) ((void)memmove(to, from, bytes))
#define TK_ZERO(to, bytes) ((void)memset(to, 0, bytes))
#define TK_ORDERED() ((void)0)

/* The zeros before the first one of a value that is not 0. */
TK_INLINE int32_t tk_5530835e_leading_zeros(uint32_t value) {
    int32_t zeros = 0;
    for (; value < UINT32_C(0x80000000); value <<= 1) {
        ++zeros;
    }
    return zeros;
}

TK_INLINE int32_t tk_5530835e_leading_zeros_64(uint64_t value) {
    const uint32_t high = (uint32_t)(value >> 32);
    return high != 0 ? tk_5530835e_leading_zeros(high) : 32 + tk_5530835e_leading_zeros((uint32_t)value);
}

/* The same value, of which the compiler knows nothing. */
TK_INLINE int32_t tk_5530835e_opaque(int32_t value) {
    return value;
}

#endif

#if defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_SIMD32)
#define TK_DSP_INSTRUCTIONS 1
#else
#define TK_DSP_INSTRUCTIONS 0
#endif

/* A word is loaded and stored at once wherever it lies. */
#if !defined(__arm__) || defined(__ARM_FEATURE_UNALIGNED)
#define TK_UNALIGNED_WORDS 1
#else
#define TK_UNALIGNED_WORDS 0
#endif

/* Armv7-M and Armv8-M mainline have SSAT and USAT without the DSP extension. */
#if defined(__GNUC__) && defined(__ARM_FEATURE_SAT)
#define TK_SATURATING_INSTRUCTIONS 1
#else
#define TK_SATURATING_INSTRUCTIONS 0
#endif

/* The blocks keep what core registers do not hold in those of the floating-point unit. */
#if TK_DSP_INSTRUCTIONS && defined(__ARM_FP) && defined(__OPTIMIZE__) && TK_MAY_USE_R9
#define TK_DSP_BLOCKS 1
#else
#define TK_DSP_BLOCKS 0
#endif

/* The blocks of the kernels in plain C: whole functions for Armv7-M and, with Thumb's first
 * instructions alone, for Armv6-M. */
#if defined(__GNUC__) && defined(__thumb__) && TK_MAY_USE_R9
#define TK_THUMB_BLOCKS 1
#else
#define TK_THUMB_BLOCKS 0
#endif

/* r8 to r11 by way of r4 to r7: to the stack, to where r0 points, and back. */
#define TK_THUMB1_LOW                                                                              \
    "mov r4, r8\n\t"                                                                               \
    "mov r5, r9\n\t"                                                                               \
    "mov r6, r10\n\t"                                                                              \
    "mov r7, r11\n\t"
#define TK_THUMB1_SAVE_HIGH TK_THUMB1_LOW "push {r4-r7}\n\t"
#define TK_THUMB1_STORE_HIGH TK_THUMB1_LOW "stm r0!, {r4-r7}\n\t"
#define TK_THUMB1_RESTORE_HIGH                                                                     \
    "pop {r4-r7}\n\t"                                                                              \
    "mov r8, r4\n\t"                                                                               \
    "mov r9, r5\n\t"                                                                               \
    "mov r10, r6\n\t"                                                                              \
    "mov r11, r7\n\t"

#endif
