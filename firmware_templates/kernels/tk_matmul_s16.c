#include "tk_matmul_s16.h"

#include "tk_dsp.h"

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FP)
#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly finds them by the ABI */

/* Nine (six) sums of three channels and three (two) tiles stay in core registers, the columns of
 * one position in the floating-point registers, a cycle away; so do the loop's pointers:
 * r0 weights, r1... sums [channel][tile], r10-r12 weights of a pair, lr a word of the columns,
 * s27 columns, s28 positions left, s29 bytes of all triples' sums, s30 product, s31 its end.
 */
#define FIRST(sum, weight) "smuad " sum ", " weight ", lr\n"
#define MORE(sum, weight) "smlad " sum ", " weight ", lr, " sum "\n"

#define COLUMN_3(mul, a, b, c, word)                                                               \
    "vmov lr, s" #word "\n" mul(a, "r10") mul(b, "r11") mul(c, "r12")
#define TRIPLE_3(mul, weight, w0, w1, w2, v0, v1)                                                  \
    "ldm r0!, {r10, r11, r12}\n" COLUMN_3(mul, "r1", "r4", "r7", w0)                               \
        COLUMN_3(mul, "r2", "r5", "r8", w1) COLUMN_3(mul, "r3", "r6", "r9", w2)
#define TRIPLE_2(mul, weight, w0, w1, w2, v0, v1)                                                  \
    "ldm r0!, {r10, r11, r12}\n" COLUMN_3(mul, "r1", "r3", "r5", v0)                               \
        COLUMN_3(mul, "r2", "r4", "r6", v1)
#define COLUMN_1(mul, sum, weight, word) "vmov lr, s" #word "\n" mul(sum, weight)
#define SINGLE_3(mul, weight, w0, w1, w2, v0, v1)                                                  \
    COLUMN_1(mul, "r1", weight, w0) COLUMN_1(mul, "r2", weight, w1) COLUMN_1(mul, "r3", weight, w2)
#define SINGLE_2(mul, weight, w0, w1, w2, v0, v1)                                                  \
    COLUMN_1(mul, "r1", weight, v0) COLUMN_1(mul, "r2", weight, v1)

#define PAIRS_1(block, mul) block(mul, "r4", 0, 1, 2, 0, 1)
#define PAIRS_2(block, mul) PAIRS_1(block, mul) block(MORE, "r5", 3, 4, 5, 2, 3)
#define PAIRS_3(block, mul) PAIRS_2(block, mul) block(MORE, "r6", 6, 7, 8, 4, 5)
#define PAIRS_4(block, mul) PAIRS_3(block, mul) block(MORE, "r7", 9, 10, 11, 6, 7)
#define PAIRS_5(block, mul) PAIRS_4(block, mul) block(MORE, "r8", 12, 13, 14, 8, 9)
#define PAIRS_6(block, mul) PAIRS_5(block, mul) block(MORE, "r9", 15, 16, 17, 10, 11)
#define PAIRS_7(block, mul) PAIRS_6(block, mul) block(MORE, "r10", 18, 19, 20, 12, 13)
#define PAIRS_8(block, mul) PAIRS_7(block, mul) block(MORE, "r11", 21, 22, 23, 14, 15)
#define PAIRS_9(block, mul) PAIRS_8(block, mul) block(MORE, "r12", 24, 25, 26, 16, 17)

#define WEIGHTS_1 "ldr r4, [r0], #4\n"
#define WEIGHTS_2 "ldm r0!, {r4, r5}\n"
#define WEIGHTS_3 "ldm r0!, {r4-r6}\n"
#define WEIGHTS_4 "ldm r0!, {r4-r7}\n"
#define WEIGHTS_5 "ldm r0!, {r4-r8}\n"
#define WEIGHTS_6 "ldm r0!, {r4-r9}\n"
#define WEIGHTS_7 "ldm r0!, {r4-r10}\n"
#define WEIGHTS_8 "ldm r0!, {r4-r11}\n"
#define WEIGHTS_9 "ldm r0!, {r4-r12}\n"

#define LAST_COLUMN_1x2 "s1"
#define LAST_COLUMN_2x2 "s3"
#define LAST_COLUMN_3x2 "s5"
#define LAST_COLUMN_4x2 "s7"
#define LAST_COLUMN_5x2 "s9"
#define LAST_COLUMN_6x2 "s11"
#define LAST_COLUMN_7x2 "s13"
#define LAST_COLUMN_8x2 "s15"
#define LAST_COLUMN_9x2 "s17"
#define LAST_COLUMN_1x3 "s2"
#define LAST_COLUMN_2x3 "s5"
#define LAST_COLUMN_3x3 "s8"
#define LAST_COLUMN_4x3 "s11"
#define LAST_COLUMN_5x3 "s14"
#define LAST_COLUMN_6x3 "s17"
#define LAST_COLUMN_7x3 "s20"
#define LAST_COLUMN_8x3 "s23"
#define LAST_COLUMN_9x3 "s26"

#define SUMS_2 "{r1-r6}"
#define SUMS_3 "{r1-r9}"
#define SINGLE_SUMS_2 "{r1, r2}"
#define SINGLE_SUMS_3 "{r1-r3}"
#define TRIPLE_BYTES_2 "add r12, r12, r12, lsl #1\nlsl r12, r12, #3\n" /* 24 */
#define TRIPLE_BYTES_3 "add r12, r12, r12, lsl #3\nlsl r12, r12, #2\n" /* 36 */

#define LOAD_NOTHING(sums)
#define LOAD_SUMS(sums) "vmov r10, s30\nldm r10, " sums "\n"

#define MATMUL(name, pairs, tiles, load, mul)                                                      \
    __attribute__((naked)) void name TK_MATMUL_S16_ARGUMENTS {                                     \
        __asm__("push {r4-r11, lr}\n"                                                              \
                "vpush {s16-s31}\n"                                                                \
                "ldr r12, [sp, #100]\n" TRIPLE_BYTES_##tiles                                       \
                "vmov s27, r1\n"                                                                   \
                "vmov s28, r3\n"                                                                   \
                "vmov s29, r12\n"                                                                  \
                "vmov s30, r2\n"                                                                   \
                "1:\n"                                                                             \
                "vmov r10, s27\n"                                                                  \
                "vldmia r10!, {s0-" LAST_COLUMN_##pairs##x##tiles                                  \
                "}\n"                                                                              \
                "vmov s27, r10\n"                                                                  \
                "vmov r10, s30\n"                                                                  \
                "vmov r11, s29\n"                                                                  \
                "adds r11, r11, r10\n"                                                             \
                "vmov s31, r11\n"                                                                  \
                "cmp r10, r11\n"                                                                   \
                "beq 3f\n"                                                                         \
                "2:\n" load(SUMS_##tiles) PAIRS_##pairs(TRIPLE_##tiles, mul) /* */                 \
                "vmov r10, s30\n"                                                                  \
                "vmov r11, s31\n"                                                                  \
                "stm r10!, " SUMS_##tiles                                                          \
                "\n"                                                                               \
                "vmov s30, r10\n"                                                                  \
                "cmp r10, r11\n"                                                                   \
                "bne 2b\n"                                                                         \
                "3:\n"                                                                             \
                "ldr r12, [sp, #104]\n"                                                            \
                "cmp r12, #0\n"                                                                    \
                "beq 5f\n"                                                                         \
                "4:\n"                                                                             \
                "vmov s31, r12\n" load(SINGLE_SUMS_##tiles)                                        \
                    WEIGHTS_##pairs PAIRS_##pairs(SINGLE_##tiles, mul) /* */                       \
                "vmov r10, s30\n"                                                                  \
                "vmov r12, s31\n"                                                                  \
                "stm r10!, " SINGLE_SUMS_##tiles "\n"                                              \
                                                 "vmov s30, r10\n"                                 \
                                                 "subs r12, r12, #1\n"                             \
                                                 "bne 4b\n"                                        \
                                                 "5:\n"                                            \
                                                 "vmov r10, s28\n"                                 \
                                                 "subs r10, r10, #1\n"                             \
                                                 "vmov s28, r10\n"                                 \
                                                 "bne 1b\n"                                        \
                                                 "vpop {s16-s31}\n"                                \
                                                 "pop {r4-r11, pc}\n");                            \
    }

#else

#define LOAD_NOTHING 0
#define LOAD_SUMS 1
#define FIRST
#define MORE

TK_INLINE void multiply(const int32_t *weights, int32_t step, const uint32_t *columns,
                        int32_t *product, int32_t pairs, int32_t tiles, int32_t add) {
    for (int32_t tile = 0; tile < tiles; ++tile) {
        int32_t sum = add ? product[tile] : 0;
        for (int32_t pair = 0; pair < pairs; ++pair) {
            sum = tk_smlad((uint32_t)weights[pair * step], columns[pair * tiles + tile], sum);
        }
        product[tile] = sum;
    }
}

#define MATMUL(name, pairs, tiles, add, mul)                                                       \
    void name TK_MATMUL_S16_ARGUMENTS {                                                            \
        for (; positions > 0; --positions, columns += (pairs) * (tiles)) {                         \
            for (uint32_t i = 0; i < 3 * triples; ++i, product += (tiles)) {                       \
                multiply(weights + i % 3, 3, columns, product, pairs, tiles, add);                 \
                weights += i % 3 == 2 ? 3 * (pairs) : 0;                                           \
            }                                                                                      \
            for (uint32_t i = 0; i < singles; ++i, product += (tiles), weights += (pairs)) {       \
                multiply(weights, 1, columns, product, pairs, tiles, add);                         \
            }                                                                                      \
        }                                                                                          \
    }

#endif

#define MATMULS(pairs)                                                                             \
    MATMUL(tk_matmul_s16_##pairs##x2, pairs, 2, LOAD_NOTHING, FIRST)                               \
    MATMUL(tk_matmul_s16_##pairs##x3, pairs, 3, LOAD_NOTHING, FIRST)                               \
    MATMUL(tk_matmul_s16_add_##pairs##x2, pairs, 2, LOAD_SUMS, MORE)                               \
    MATMUL(tk_matmul_s16_add_##pairs##x3, pairs, 3, LOAD_SUMS, MORE)

MATMULS(1)
MATMULS(2)
MATMULS(3)
MATMULS(4)
MATMULS(5)
MATMULS(6)
MATMULS(7)
MATMULS(8)
MATMULS(9)
