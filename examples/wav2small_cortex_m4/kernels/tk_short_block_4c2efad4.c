/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_short_block_4c2efad4.h"

#if TK_DSP_BLOCKS
#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly finds them by the ABI */

/* r0 value, r1..r3 weights of three channels, r4 stream; sums by channel and pixel:
 *        0   1   2
 *   0    r5  r6  r7
 *   1    r8  r9  r10
 *   2    r11 r12 lr
 * Pixel 0 lies on the stack, pixel 1 in s0 upwards, pixel 2 in s15 (up to 8 pairs) or s31 downwards
 * and what is left of it on the stack behind pixel 0.  Stack: 0 out, 4 stride, 8 threes_end, 12
 * end, 16 pixel 0.
 *
 * Macro arguments: n pairs, k the pair, a the register of its pixel 1, b and c of its pixel 2. */
#define TK_SHORT_PAIRS(line)                                                                       \
    line(0, 0, 15, 31) line(1, 1, 14, 30) line(2, 2, 13, 29) line(3, 3, 12, 28) line(4, 4, 11, 27) \
        line(5, 5, 10, 26) line(6, 6, 9, 25) line(7, 7, 8, 24) line(8, 8, 0, 23) line(9, 9, 0, 22) \
            line(10, 10, 0, 21) line(11, 11, 0, 20) line(12, 12, 0, 19) line(13, 13, 0, 18)        \
                line(14, 14, 0, 17) line(15, 15, 0, 16) line(16, 16, 0, 15) line(17, 17, 0, 14)    \
                    line(18, 18, 0, 13) line(19, 19, 0, 12) line(20, 20, 0, 11)                    \
                        line(21, 21, 0, 10) line(22, 22, 0, 9) line(23, 23, 0, 8)                  \
                            line(24, 24, 0, 7) line(25, 25, 0, 6) line(26, 26, 0, 5)               \
                                line(27, 27, 0, 4) line(28, 28, 0, 3) line(29, 29, 0, 2)           \
                                    line(30, 30, 0, 1) line(31, 31, 0, 0)

#define TK_SHORT_WIDEN(k, a, b, c)                                                                 \
    "tk_4c2efad4_short_widen \\x, \\pixel, \\n, " #k ", s" #a ", s" #b ", s" #c "\n"
#define TK_SHORT_THREE(k, a, b, c) "tk_4c2efad4_short_three \\n, " #k ", s" #a ", s" #b ", s" #c "\n"
#define TK_SHORT_ONE(k, a, b, c) "tk_4c2efad4_short_one \\n, " #k ", s" #a ", s" #b ", s" #c "\n"

#define TK_SHORT_THIRD                                                                             \
    /* Pixel 2 of a pair into a register. */                                                       \
    ".macro tk_4c2efad4_short_third register, n, k, b, c\n"                                                 \
    ".if \\n <= 8\n"                                                                               \
    "vmov \\register, \\b\n"                                                                       \
    ".elseif \\n + \\k < 32\n"                                                                     \
    "vmov \\register, \\c\n"                                                                       \
    ".else\n"                                                                                      \
    "ldr \\register, [sp, #16 + 4 * (2 * \\n + \\k - 32)]\n"                                       \
    ".endif\n"                                                                                     \
    ".endm\n"

#define TK_SHORT_WIDEN_PIXEL                                                                       \
    /* One pair of a pixel from the bytes at x to where it belongs. */                             \
    ".macro tk_4c2efad4_short_widen x, pixel, n, k, a, b, c\n"                                              \
    ".if \\k < \\n\n"                                                                              \
    ".if \\k % 4 == 0\n"                                                                           \
    "ldr r4, [\\x, #2 * \\k]\n"                                                                    \
    ".if \\k + 2 < \\n\n"                                                                          \
    "ldr r5, [\\x, #2 * \\k + 4]\n"                                                                \
    ".endif\n"                                                                                     \
    ".endif\n"                                                                                     \
    ".if \\k % 4 == 0\n"                                                                           \
    "sxtb16 r6, r4\n"                                                                              \
    ".elseif \\k % 4 == 1\n"                                                                       \
    "sxtb16 r6, r4, ror #8\n"                                                                      \
    ".elseif \\k % 4 == 2\n"                                                                       \
    "sxtb16 r6, r5\n"                                                                              \
    ".else\n"                                                                                      \
    "sxtb16 r6, r5, ror #8\n"                                                                      \
    ".endif\n"                                                                                     \
    ".if \\pixel == 0\n"                                                                           \
    "str r6, [sp, #16 + 4 * \\k]\n"                                                                \
    ".elseif \\pixel == 1\n"                                                                       \
    "vmov \\a, r6\n"                                                                               \
    ".elseif \\n <= 8\n"                                                                           \
    "vmov \\b, r6\n"                                                                               \
    ".elseif \\n + \\k < 32\n"                                                                     \
    "vmov \\c, r6\n"                                                                               \
    ".else\n"                                                                                      \
    "str r6, [sp, #16 + 4 * (2 * \\n + \\k - 32)]\n"                                               \
    ".endif\n"                                                                                     \
    ".endif\n"                                                                                     \
    ".endm\n"                                                                                      \
    ".macro tk_4c2efad4_short_widen_pixel x, pixel, n\n" TK_SHORT_PAIRS(TK_SHORT_WIDEN) ".endm\n"

#define TK_SHORT_CHANNELS                                                                          \
    /* One pair of three channels and of one. */                                                   \
    ".macro tk_4c2efad4_short_three n, k, a, b, c\n"                                                        \
    ".if \\k == 0\n" /* the biases too: pixel 0 replaces them last */                              \
    "ldr r8, [r4, #4]\n"                                                                           \
    "ldr r11, [r4, #8]\n"                                                                          \
    "ldr r3, [r4, #12]\n"                                                                          \
    "ldr r1, [r4, #16]\n"                                                                          \
    "ldr r2, [r4, #20]\n"                                                                          \
    "ldr r0, [sp, #16]\n"                                                                          \
    "ldr r5, [r4], #24\n"                                                                          \
    "tk_4c2efad4_short_third r6, \\n, \\k, \\b, \\c\n"                                                      \
    "smlad r7, r6, r3, r5\n"                                                                       \
    "smlad r10, r6, r1, r8\n"                                                                      \
    "smlad lr, r6, r2, r11\n"                                                                      \
    "vmov r12, \\a\n"                                                                              \
    "smlad r6, r12, r3, r5\n"                                                                      \
    "smlad r9, r12, r1, r8\n"                                                                      \
    "smlad r12, r12, r2, r11\n"                                                                    \
    "smlad r5, r0, r3, r5\n"                                                                       \
    "smlad r8, r0, r1, r8\n"                                                                       \
    "smlad r11, r0, r2, r11\n"                                                                     \
    ".elseif \\k < \\n\n"                                                                          \
    "ldr r1, [r4, #4]\n"                                                                           \
    "ldr r2, [r4, #8]\n"                                                                           \
    "ldr r3, [r4], #12\n"                                                                          \
    "ldr r0, [sp, #16 + 4 * \\k]\n"                                                                \
    "smlad r5, r0, r3, r5\n"                                                                       \
    "smlad r8, r0, r1, r8\n"                                                                       \
    "smlad r11, r0, r2, r11\n"                                                                     \
    "vmov r0, \\a\n"                                                                               \
    "smlad r6, r0, r3, r6\n"                                                                       \
    "smlad r9, r0, r1, r9\n"                                                                       \
    "smlad r12, r0, r2, r12\n"                                                                     \
    "tk_4c2efad4_short_third r0, \\n, \\k, \\b, \\c\n"                                                      \
    "smlad r7, r0, r3, r7\n"                                                                       \
    "smlad r10, r0, r1, r10\n"                                                                     \
    "smlad lr, r0, r2, lr\n"                                                                       \
    ".endif\n"                                                                                     \
    ".endm\n"                                                                                      \
    ".macro tk_4c2efad4_short_one n, k, a, b, c\n"                                                          \
    ".if \\k < \\n\n"                                                                              \
    "ldr r3, [r4], #4\n"                                                                           \
    "ldr r0, [sp, #16 + 4 * \\k]\n"                                                                \
    "tk_4c2efad4_short_third r2, \\n, \\k, \\b, \\c\n"                                                      \
    "vmov r1, \\a\n"                                                                               \
    "smlad r5, r0, r3, r5\n"                                                                       \
    "smlad r6, r1, r3, r6\n"                                                                       \
    "smlad r7, r2, r3, r7\n"                                                                       \
    ".endif\n"                                                                                     \
    ".endm\n"

#define TK_SHORT_REQUANTIZE                                                                        \
    /* Requantises one sum by r1 multiplier, r2 rounding, r3 shift. */                             \
    ".macro tk_4c2efad4_short_requantize sum, spare, negative\n"                                            \
    ".if \\negative\n"                                                                             \
    "add \\spare, r2, \\sum, asr #31\n"                                                            \
    "smmlar \\sum, \\sum, r1, \\spare\n"                                                           \
    ".else\n"                                                                                      \
    "smmlar \\sum, \\sum, r1, r2\n"                                                                \
    ".endif\n"                                                                                     \
    "asr \\sum, \\sum, r3\n"                                                                       \
    "ssat \\sum, #8, \\sum\n"                                                                      \
    ".endm\n" /* The first channel of several: it ends with r0 out, r5 stride. */                  \
    ".macro tk_4c2efad4_short_first negative\n"                                                             \
    "ldm r4!, {r1, r2, r3}\n"                                                                      \
    "tk_4c2efad4_short_requantize r5, r0, \\negative\n"                                                     \
    "tk_4c2efad4_short_requantize r6, r0, \\negative\n"                                                     \
    "tk_4c2efad4_short_requantize r7, r0, \\negative\n"                                                     \
    "ldr r0, [sp]\n"                                                                               \
    "ldr r1, [sp, #4]\n"                                                                           \
    "strb r5, [r0]\n"                                                                              \
    "mov r5, r1\n"                                                                                 \
    "strb r6, [r0, r5]\n"                                                                          \
    "strb r7, [r0, r5, lsl #1]\n"                                                                  \
    "add r0, #1\n"                                                                                 \
    ".endm\n"                                                                                      \
    ".macro tk_4c2efad4_short_next p0, p1, p2, negative\n"                                                  \
    "ldm r4!, {r1, r2, r3}\n"                                                                      \
    "tk_4c2efad4_short_requantize \\p0, r6, \\negative\n"                                                   \
    "tk_4c2efad4_short_requantize \\p1, r6, \\negative\n"                                                   \
    "tk_4c2efad4_short_requantize \\p2, r6, \\negative\n"                                                   \
    "strb \\p0, [r0]\n"                                                                            \
    "strb \\p1, [r0, r5]\n"                                                                        \
    "strb \\p2, [r0, r5, lsl #1]\n"                                                                \
    "add r0, #1\n"                                                                                 \
    ".endm\n"

#define TK_SHORT_BODY                                                                              \
    ".macro tk_4c2efad4_short_function n, negative, frame\n"                                                \
    "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n"                                                \
    ".if \\n > 8\n"                                                                                \
    "vpush {s16, s17, s18, s19, s20, s21, s22, s23, s24, s25, s26, s27, s28, s29, s30, s31}\n"     \
    ".endif\n"                                                                                     \
    "sub sp, #\\frame\n"                                                                           \
    "tk_4c2efad4_short_widen_pixel r0, 0, \\n\n"                                                            \
    "tk_4c2efad4_short_widen_pixel r1, 1, \\n\n"                                                            \
    "tk_4c2efad4_short_widen_pixel r2, 2, \\n\n"                                                            \
    "ldm r3, {r4, r5, r6, r7, r8}\n"                                                               \
    "str r7, [sp]\n"                                                                               \
    "str r8, [sp, #4]\n"                                                                           \
    "str r5, [sp, #8]\n"                                                                           \
    "str r6, [sp, #12]\n"                                                                          \
    "cmp r4, r5\n"                                                                                 \
    "beq 2f\n"                                                                                     \
    "1:\n" TK_SHORT_PAIRS(                                                                         \
        TK_SHORT_THREE) "tk_4c2efad4_short_first \\negative\n"                                              \
                        "tk_4c2efad4_short_next r8, r9, r10, \\negative\n"                                  \
                        "tk_4c2efad4_short_next r11, r12, lr, \\negative\n"                                 \
                        "ldr r1, [sp, #8]\n"                                                       \
                        "str r0, [sp]\n"                                                           \
                        "cmp r4, r1\n"                                                             \
                        "bne 1b\n"                                                                 \
                        "2:\n"                                                                     \
                        "ldr r1, [sp, #12]\n"                                                      \
                        "cmp r4, r1\n"                                                             \
                        "beq 3f\n"                                                                 \
                        "ldr r5, [r4], #4\n"                                                       \
                        "mov r6, r5\n"                                                             \
                        "mov r7, r5\n" TK_SHORT_PAIRS(                                             \
                            TK_SHORT_ONE) "tk_4c2efad4_short_first \\negative\n"                            \
                                          "str r0, [sp]\n"                                         \
                                          "b 2b\n"                                                 \
                                          "3:\n"                                                   \
                                          "add sp, #\\frame\n"                                     \
                                          ".if \\n > 8\n"                                          \
                                          "vpop {s16, s17, s18, s19, s20, s21, s22, s23, s24, "    \
                                          "s25, s26, s27, s28, s29, s30, s31}\n"                   \
                                          ".endif\n"                                               \
                                          "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n"           \
                                          ".endm\n"

/* Stack of n pairs: four words, pixel 0, and what of pixel 2 the registers do not hold. */
#define TK_SHORT_FRAME(n) "(16 + 4 * " #n " + 4 * (2 * " #n " - 32) * (2 * " #n " / 33 & 1))"
/* The macros live as long as a function: one unit of link-time optimisation may have any of them.
 */
#define TK_SHORT_PURGE                                                                             \
    ".purgem tk_4c2efad4_short_third\n.purgem tk_4c2efad4_short_widen\n.purgem tk_4c2efad4_short_widen_pixel\n"               \
    ".purgem tk_4c2efad4_short_three\n.purgem tk_4c2efad4_short_one\n.purgem tk_4c2efad4_short_requantize\n"                  \
    ".purgem tk_4c2efad4_short_first\n.purgem tk_4c2efad4_short_next\n.purgem tk_4c2efad4_short_function\n"
#define TK_SHORT_FUNCTION(n, name, negative)                                                       \
    TK_HOT(#name)                                                                                  \
    TK_NAKED void name(const int8_t *x0, const int8_t *x1, const int8_t *x2,                       \
                       const tk_4c2efad4_short_job *job) {                                                  \
        __asm__(TK_SHORT_THIRD);                                                                   \
        __asm__(TK_SHORT_WIDEN_PIXEL);                                                             \
        __asm__(TK_SHORT_CHANNELS);                                                                \
        __asm__(TK_SHORT_REQUANTIZE);                                                              \
        __asm__(TK_SHORT_BODY);                                                                    \
        __asm__("tk_4c2efad4_short_function " #n ", " #negative ", (" TK_SHORT_FRAME(n) ")\n");             \
        __asm__(TK_SHORT_PURGE);                                                                   \
    }
#define TK_SHORT_FUNCTIONS(n)                                                                      \
    TK_SHORT_FUNCTION(n, tk_4c2efad4_short_block_##n, 0)                                                    \
    TK_SHORT_FUNCTION(n, tk_4c2efad4_short_block_##n##_negative, 1)

TK_SHORT_EACH(TK_SHORT_FUNCTIONS)

#endif
