/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_blocked_2x2_s16.h"

#if TK_THUMB_BLOCKS
#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly finds them by the ABI */
#endif

#include "tk_common.h"

#if TK_THUMB_BLOCKS && TK_LONG_PRODUCTS
/* r0 and r1 pixels, r2 and r3 weights, r12 their end, r4 to r7 sums. */
#define MULTIPLY                                                                                   \
    "mla r4, r8, r10, r4\n\t"                                                                      \
    "mla r5, r8, r11, r5\n\t"                                                                      \
    "mla r6, r9, r10, r6\n\t"                                                                      \
    "mla r7, r9, r11, r7\n\t"
#define TWO                                                                                        \
    "ldrsh r8, [r0, #2]\n\t"                                                                       \
    "ldrsh r9, [r1, #2]\n\t"                                                                       \
    "ldrsb r10, [r2, #1]\n\t"                                                                      \
    "ldrsb r11, [r3, #1]\n\t" MULTIPLY "ldrsh r8, [r0], #4\n\t"                                    \
    "ldrsh r9, [r1], #4\n\t"                                                                       \
    "ldrsb r10, [r2], #2\n\t"                                                                      \
    "ldrsb r11, [r3], #2\n\t" MULTIPLY

TK_NAKED void tk_blocked_2x2_s16(const int16_t *x, const int16_t *y, const int8_t *weights,
                                 tk_blocked_2x2_s16_job *job) {
    __asm__ volatile("push {r3-r11, lr}\n\t"
                     "ldrd r12, r3, [r3]\n\t"
                     "add r12, r2, r12\n\t"
                     "add r3, r2, r3\n\t"
                     "movs r4, #0\n\t"
                     "movs r5, #0\n\t"
                     "movs r6, #0\n\t"
                     "movs r7, #0\n\t"
                     "1:\n\t" TWO TWO "cmp r2, r12\n\t"
                     "bne 1b\n\t"
                     "pop {r3}\n\t"
                     "add r3, r3, #8\n\t"
                     "stm r3, {r4-r7}\n\t"
                     "pop {r4-r11, pc}");
}
#elif TK_THUMB_BLOCKS
/* r0 and r1 pixels, r5 their index in bytes, r2 and r3 weights, r4 their index, r12 its end, r8 to
 * r11 sums. */
#define ONE_BY_TWO(pixel, first, second)                                                           \
    "ldrsh r6, [" pixel ", r5]\n\t"                                                                \
    "ldrsb r7, [r2, r4]\n\t"                                                                       \
    "muls r7, r6, r7\n\t"                                                                          \
    "add " first ", " first ", r7\n\t"                                                             \
    "ldrsb r7, [r3, r4]\n\t"                                                                       \
    "muls r7, r6, r7\n\t"                                                                          \
    "add " second ", " second ", r7\n\t"
#define ONE                                                                                        \
    ONE_BY_TWO("r0", "r8", "r9") ONE_BY_TWO("r1", "r10", "r11") "adds r4, #1\n\tadds r5, #2\n\t"

TK_NAKED void tk_blocked_2x2_s16(const int16_t *x, const int16_t *y, const int8_t *weights,
                                 tk_blocked_2x2_s16_job *job) {
    __asm__ volatile(".syntax unified\n\t"
                     "push {r4-r7, lr}\n\t" TK_THUMB1_SAVE_HIGH "push {r3}\n\t"
                     "ldr r4, [r3, #0]\n\t"
                     "mov r12, r4\n\t"
                     "ldr r4, [r3, #4]\n\t"
                     "adds r3, r2, r4\n\t"
                     "movs r4, #0\n\t"
                     "movs r5, #0\n\t"
                     "mov r8, r4\n\t"
                     "mov r9, r4\n\t"
                     "mov r10, r4\n\t"
                     "mov r11, r4\n\t"
                     "1:\n\t" ONE ONE ONE ONE "cmp r4, r12\n\t"
                     "bne 1b\n\t"
                     "pop {r0}\n\t"
                     "adds r0, #8\n\t" TK_THUMB1_STORE_HIGH TK_THUMB1_RESTORE_HIGH
                     "pop {r4-r7, pc}");
}
#else
void tk_blocked_2x2_s16(const int16_t *x, const int16_t *y, const int8_t *weights,
                        tk_blocked_2x2_s16_job *job) {
    for (int32_t channel = 0; channel < 2; ++channel) {
        const int8_t *const w = weights + channel * job->distance;
        int32_t first = 0, second = 0;
        for (int32_t i = 0; i < job->count; ++i) {
            first += x[i] * w[i];
            second += y[i] * w[i];
        }
        job->sums[channel] = first;
        job->sums[2 + channel] = second;
    }
}
#endif
