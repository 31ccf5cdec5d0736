/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_blocked_2x2_s8.h"

#if TK_THUMB_BLOCKS
#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly finds them by the ABI */
#endif

#if TK_THUMB_BLOCKS && TK_LONG_PRODUCTS
/* r0 words, r1 and r2 weights, r12 their end, r4 to r7 sums; the job waits on the stack. */
#define TWO                                                                                        \
    "ldr r8, [r0, #4]\n\t"                                                                         \
    "ldrsb r9, [r1, #1]\n\t"                                                                       \
    "ldrsb r10, [r2, #1]\n\t"                                                                      \
    "ldr r3, [r0], #8\n\t"                                                                         \
    "ldrsb r11, [r1], #2\n\t"                                                                      \
    "ldrsb lr, [r2], #2\n\t"                                                                       \
    "mul r9, r8, r9\n\t"                                                                           \
    "mul r10, r8, r10\n\t"                                                                         \
    "mla r9, r3, r11, r9\n\t"                                                                      \
    "mla r10, r3, lr, r10\n\t"                                                                     \
    "add r4, r4, r9\n\t"                                                                           \
    "add r6, r6, r10\n\t"                                                                          \
    "add r9, r9, #0x8000\n\t"                                                                      \
    "add r10, r10, #0x8000\n\t"                                                                    \
    "add r5, r5, r9, asr #16\n\t"                                                                  \
    "add r7, r7, r10, asr #16\n\t"

TK_NAKED void tk_blocked_2x2_s8(const uint32_t *x, const int8_t *weights,
                                tk_blocked_2x2_s8_job *job) {
    __asm__ volatile("push {r2, r4-r11, lr}\n\t"
                     "ldrd r12, r3, [r2]\n\t"
                     "add r12, r1, r12\n\t"
                     "add r2, r1, r3\n\t"
                     "movs r4, #0\n\t"
                     "movs r5, #0\n\t"
                     "movs r6, #0\n\t"
                     "movs r7, #0\n\t"
                     "1:\n\t" TWO TWO "cmp r1, r12\n\t"
                     "bne 1b\n\t"
                     "pop {r2}\n\t"
                     "add r2, r2, #8\n\t"
                     "stm r2, {r4-r7}\n\t"
                     "pop {r4-r11, pc}");
}
#elif TK_THUMB_BLOCKS
/* r0 words, r1 and r2 weights, r3 their index, r12 its end, lr the bias, r8 to r11 sums. */
#define TWO(first, second)                                                                         \
    "ldr r4, [r0, #" first "]\n\t"                                                                 \
    "ldrsb r5, [r1, r3]\n\t"                                                                       \
    "muls r5, r4, r5\n\t"                                                                          \
    "ldrsb r6, [r2, r3]\n\t"                                                                       \
    "muls r6, r4, r6\n\t"                                                                          \
    "adds r3, #1\n\t"                                                                              \
    "ldr r4, [r0, #" second "]\n\t"                                                                \
    "ldrsb r7, [r1, r3]\n\t"                                                                       \
    "muls r7, r4, r7\n\t"                                                                          \
    "adds r5, r5, r7\n\t"                                                                          \
    "ldrsb r7, [r2, r3]\n\t"                                                                       \
    "muls r7, r4, r7\n\t"                                                                          \
    "adds r6, r6, r7\n\t"                                                                          \
    "adds r3, #1\n\t"                                                                              \
    "add r8, r8, r5\n\t"                                                                           \
    "add r5, r5, lr\n\t"                                                                           \
    "asrs r5, r5, #16\n\t"                                                                         \
    "add r9, r9, r5\n\t"                                                                           \
    "add r10, r10, r6\n\t"                                                                         \
    "add r6, r6, lr\n\t"                                                                           \
    "asrs r6, r6, #16\n\t"                                                                         \
    "add r11, r11, r6\n\t"

TK_NAKED void tk_blocked_2x2_s8(const uint32_t *x, const int8_t *weights,
                                tk_blocked_2x2_s8_job *job) {
    __asm__ volatile(".syntax unified\n\t"
                     "push {r4-r7, lr}\n\t" TK_THUMB1_SAVE_HIGH "push {r2}\n\t"
                     "ldr r4, [r2, #0]\n\t"
                     "mov r12, r4\n\t"
                     "ldr r4, [r2, #4]\n\t"
                     "adds r2, r1, r4\n\t"
                     "movs r3, #0\n\t"
                     "mov r8, r3\n\t"
                     "mov r9, r3\n\t"
                     "mov r10, r3\n\t"
                     "mov r11, r3\n\t"
                     "movs r4, #128\n\t"
                     "lsls r4, r4, #8\n\t"
                     "mov lr, r4\n\t"
                     "1:\n\t" TWO("0", "4") TWO(
                         "8", "12") "adds r0, #16\n\t"
                                    "cmp r3, r12\n\t"
                                    "bne 1b\n\t"
                                    "pop {r0}\n\t"
                                    "adds r0, #8\n\t" TK_THUMB1_STORE_HIGH TK_THUMB1_RESTORE_HIGH
                                    "pop {r4-r7, pc}");
}
#else
void tk_blocked_2x2_s8(const uint32_t *x, const int8_t *weights, tk_blocked_2x2_s8_job *job) {
    for (int32_t channel = 0; channel < 2; ++channel) {
        const int8_t *const w = weights + channel * job->distance;
        tk_pair_sums sums = {0, 0};
        for (int32_t i = 0; i < job->count; i += 2) {
            tk_pair_add(&sums, x[i] * tk_word(w[i]) + x[i + 1] * tk_word(w[i + 1]));
        }
        sums.words -= TK_PAIR_BIAS * (uint32_t)(job->count / 2);
        job->sums[channel] = sums;
    }
}
#endif
