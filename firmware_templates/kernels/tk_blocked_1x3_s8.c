/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_blocked_1x3_s8.h"

#if TK_THUMB_BLOCKS
#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly finds them by the ABI */
#endif

#if TK_THUMB_BLOCKS && TK_LONG_PRODUCTS
/* r0 values, r1, r3 and r12 weights, lr the end of r0, r4 to r6 sums. */
#define ONE(step)                                                                                  \
    "ldrsb r7, [r0" step "\n\t"                                                                    \
    "ldrsb r8, [r1" step "\n\t"                                                                    \
    "ldrsb r9, [r3" step "\n\t"                                                                    \
    "ldrsb r10, [r12" step "\n\t"                                                                  \
    "mla r4, r7, r8, r4\n\t"                                                                       \
    "mla r5, r7, r9, r5\n\t"                                                                       \
    "mla r6, r7, r10, r6\n\t"

TK_NAKED void tk_blocked_1x3_s8(const int8_t *x, const int8_t *weights,
                                tk_blocked_1x3_s8_job *job) {
    __asm__ volatile("push {r4-r10, lr}\n\t"
                     "ldrd lr, r12, [r2]\n\t"
                     "add lr, r0, lr\n\t"
                     "add r3, r1, r12\n\t"
                     "add r12, r3, r12\n\t"
                     "movs r4, #0\n\t"
                     "movs r5, #0\n\t"
                     "movs r6, #0\n\t"
                     "1:\n\t" ONE(", #1]") ONE(", #2]") ONE(", #3]")
                         ONE("], #4") "cmp r0, lr\n\t"
                                      "bne 1b\n\t"
                                      "add r2, r2, #8\n\t"
                                      "stm r2, {r4-r6}\n\t"
                                      "pop {r4-r10, pc}");
}
#elif TK_THUMB_BLOCKS
/* r0 values, r1 to r3 weights, r4 their index, r12 its end, r8 to r10 sums. */
#define ONE                                                                                        \
    "ldrsb r5, [r0, r4]\n\t"                                                                       \
    "ldrsb r6, [r1, r4]\n\t"                                                                       \
    "muls r6, r5, r6\n\t"                                                                          \
    "add r8, r8, r6\n\t"                                                                           \
    "ldrsb r6, [r2, r4]\n\t"                                                                       \
    "muls r6, r5, r6\n\t"                                                                          \
    "add r9, r9, r6\n\t"                                                                           \
    "ldrsb r6, [r3, r4]\n\t"                                                                       \
    "muls r6, r5, r6\n\t"                                                                          \
    "add r10, r10, r6\n\t"                                                                         \
    "adds r4, #1\n\t"

TK_NAKED void tk_blocked_1x3_s8(const int8_t *x, const int8_t *weights,
                                tk_blocked_1x3_s8_job *job) {
    __asm__ volatile(".syntax unified\n\t"
                     "push {r4-r7, lr}\n\t" TK_THUMB1_SAVE_HIGH "push {r2}\n\t"
                     "ldr r4, [r2, #0]\n\t"
                     "mov r12, r4\n\t"
                     "ldr r4, [r2, #4]\n\t"
                     "adds r2, r1, r4\n\t"
                     "adds r3, r2, r4\n\t"
                     "movs r4, #0\n\t"
                     "mov r8, r4\n\t"
                     "mov r9, r4\n\t"
                     "mov r10, r4\n\t"
                     "1:\n\t" ONE ONE ONE ONE "cmp r4, r12\n\t"
                     "bne 1b\n\t"
                     "pop {r0}\n\t"
                     "adds r0, #8\n\t"
                     "mov r4, r8\n\t"
                     "mov r5, r9\n\t"
                     "mov r6, r10\n\t"
                     "stm r0!, {r4-r6}\n\t" TK_THUMB1_RESTORE_HIGH "pop {r4-r7, pc}");
}
#else
void tk_blocked_1x3_s8(const int8_t *x, const int8_t *weights, tk_blocked_1x3_s8_job *job) {
    for (int32_t output = 0; output < 3; ++output) {
        const int8_t *const w = weights + output * job->distance;
        int32_t sum = 0;
        for (int32_t i = 0; i < job->count; ++i) {
            sum += x[i] * w[i];
        }
        job->sums[output] = sum;
    }
}
#endif
