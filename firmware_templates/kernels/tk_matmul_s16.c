#include "tk_matmul_s16.h"

#include "tk_dsp.h"

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FP)
#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly finds them by the ABI */

/* Nine (six) sums of three channels and three (two) tiles stay in core registers, the columns of
 * one position in the floating-point registers, a cycle away; so do the loop's pointers:
 * r0 weights, r1... sums [channel][tile], r10-r12 weights of a pair, lr a word of the columns,
 * s27 columns, s28 positions left, s29 product of the position, s30 where it is stored next,
 * s31 where it ends for the triples.
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
/* With two tiles there is room for the weights of two pairs. */
#define COLUMN_2(mul, a, b, c, x, y, z, word) "vmov lr, s" #word "\n" mul(a, x) mul(b, y) mul(c, z)
#define DOUBLE_2(mul, w0, w1, w2, w3)                                                              \
    "ldm r0!, {r7-r12}\n" COLUMN_2(mul, "r1", "r3", "r5", "r7", "r8", "r9", w0)                    \
        COLUMN_2(mul, "r2", "r4", "r6", "r7", "r8", "r9", w1)                                      \
            COLUMN_2(MORE, "r1", "r3", "r5", "r10", "r11", "r12", w2)                              \
                COLUMN_2(MORE, "r2", "r4", "r6", "r10", "r11", "r12", w3)
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

/* The block of three channels. */
#define TRIPLES_3_1(mul) PAIRS_1(TRIPLE_3, mul)
#define TRIPLES_3_2(mul) PAIRS_2(TRIPLE_3, mul)
#define TRIPLES_3_3(mul) PAIRS_3(TRIPLE_3, mul)
#define TRIPLES_3_4(mul) PAIRS_4(TRIPLE_3, mul)
#define TRIPLES_3_5(mul) PAIRS_5(TRIPLE_3, mul)
#define TRIPLES_3_6(mul) PAIRS_6(TRIPLE_3, mul)
#define TRIPLES_3_7(mul) PAIRS_7(TRIPLE_3, mul)
#define TRIPLES_3_8(mul) PAIRS_8(TRIPLE_3, mul)
#define TRIPLES_3_9(mul) PAIRS_9(TRIPLE_3, mul)
#define TRIPLES_2_1(mul) PAIRS_1(TRIPLE_2, mul)
#define TRIPLES_2_2(mul) DOUBLE_2(mul, 0, 1, 2, 3)
#define TRIPLES_2_3(mul) TRIPLES_2_2(mul) TRIPLE_2(MORE, "", 0, 0, 0, 4, 5)
#define TRIPLES_2_4(mul) TRIPLES_2_2(mul) DOUBLE_2(MORE, 4, 5, 6, 7)
#define TRIPLES_2_5(mul) TRIPLES_2_4(mul) TRIPLE_2(MORE, "", 0, 0, 0, 8, 9)
#define TRIPLES_2_6(mul) TRIPLES_2_4(mul) DOUBLE_2(MORE, 8, 9, 10, 11)
#define TRIPLES_2_7(mul) TRIPLES_2_6(mul) TRIPLE_2(MORE, "", 0, 0, 0, 12, 13)
#define TRIPLES_2_8(mul) TRIPLES_2_6(mul) DOUBLE_2(MORE, 12, 13, 14, 15)
#define TRIPLES_2_9(mul) TRIPLES_2_8(mul) TRIPLE_2(MORE, "", 0, 0, 0, 16, 17)

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

/* sums(op, positions): `op` every sum at r10 plus the tiles' distance, a position of words. */
#define SUM(op, sum, tile, positions) #op " " sum ", [r10, #4 * " #tile " * " #positions "]\n"
#define SUMS_3_1(op, positions)                                                                    \
    SUM(op, "r1", 0, positions) SUM(op, "r2", 1, positions) SUM(op, "r3", 2, positions)
#define SUMS_3_3(op, positions)                                                                    \
    SUMS_3_1(op, positions)                                                                        \
    SUM(op, "r4", 3, positions)                                                                    \
    SUM(op, "r5", 4, positions)                                                                    \
    SUM(op, "r6", 5, positions)                                                                    \
    SUM(op, "r7", 6, positions) SUM(op, "r8", 7, positions) SUM(op, "r9", 8, positions)
#define SUMS_2_1(op, positions) SUM(op, "r1", 0, positions) SUM(op, "r2", 1, positions)
#define SUMS_2_3(op, positions)                                                                    \
    SUMS_2_1(op, positions)                                                                        \
    SUM(op, "r3", 2, positions)                                                                    \
    SUM(op, "r4", 3, positions) SUM(op, "r5", 4, positions) SUM(op, "r6", 5, positions)

#define LOAD_NOTHING(sums, positions)
#define LOAD_SUMS(sums, positions) "vmov r10, s30\n" sums(ldr, positions)

#define MATMUL(name, positions, pairs, tiles, load, mul)                                           \
    __attribute__((naked)) void name TK_MATMUL_S16_ARGUMENTS {                                     \
        __asm__("push {r4-r11, lr}\n"                                                              \
                "vpush {s16-s31}\n"                                                                \
                "mov r12, #12 * " #tiles " * " #positions "\n"                                     \
                "mul r12, r12, r3\n"                                                               \
                "mov r11, #" #positions "\n"                                                       \
                "vmov s27, r1\n"                                                                   \
                "vmov s28, r11\n"                                                                  \
                "vmov s29, r2\n"                                                                   \
                "push {r12, lr}\n"                                                                 \
                "1:\n"                                                                             \
                "vmov r10, s27\n"                                                                  \
                "vldmia r10!, {s0-" LAST_COLUMN_##pairs##x##tiles                                  \
                "}\n"                                                                              \
                "vmov s27, r10\n"                                                                  \
                "vmov r10, s29\n"                                                                  \
                "ldr r11, [sp]\n"                                                                  \
                "vmov s30, r10\n"                                                                  \
                "add r12, r10, #4\n"                                                               \
                "vmov s29, r12\n"                                                                  \
                "add r11, r11, r10\n"                                                              \
                "vmov s31, r11\n"                                                                  \
                "cmp r10, r11\n"                                                                   \
                "beq 3f\n"                                                                         \
                "2:\n" load(SUMS_##tiles##_3, positions) /* */                                     \
                TRIPLES_##tiles##_##pairs(mul)           /* */                                     \
                "vmov r10, s30\n"                                                                  \
                "vmov r11, s31\n" SUMS_##tiles##_3(str, positions) /* */                           \
                "add r10, r10, #12 * " #tiles " * " #positions "\n"                                \
                "vmov s30, r10\n"                                                                  \
                "cmp r10, r11\n"                                                                   \
                "bne 2b\n");                                                                       \
        __asm__("3:\n"                                                                             \
                "ldr r12, [sp, #108]\n"                                                            \
                "cmp r12, #0\n"                                                                    \
                "beq 5f\n"                                                                         \
                "4:\n"                                                                             \
                "vmov s31, r12\n" load(SUMS_##tiles##_1, positions)                                \
                    WEIGHTS_##pairs PAIRS_##pairs(SINGLE_##tiles, mul) /* */                       \
                "vmov r10, s30\n"                                                                  \
                "vmov r12, s31\n" SUMS_##tiles##_1(str, positions) /* */                           \
                "add r10, r10, #4 * " #tiles " * " #positions "\n"                                 \
                "vmov s30, r10\n"                                                                  \
                "subs r12, r12, #1\n"                                                              \
                "bne 4b\n"                                                                         \
                "5:\n"                                                                             \
                "vmov r10, s28\n"                                                                  \
                "subs r10, r10, #1\n"                                                              \
                "vmov s28, r10\n"                                                                  \
                "bne 1b\n"                                                                         \
                "add sp, sp, #8\n"                                                                 \
                "vpop {s16-s31}\n"                                                                 \
                "pop {r4-r11, pc}\n");                                                             \
    }

#else

#define LOAD_NOTHING 0
#define LOAD_SUMS 1
#define FIRST
#define MORE

TK_INLINE void multiply(const int32_t *weights, int32_t step, const uint32_t *columns,
                        int32_t *product, int32_t positions, int32_t pairs, int32_t tiles,
                        int32_t add) {
    for (int32_t tile = 0; tile < tiles; ++tile, product += positions) {
        int32_t sum = add ? *product : 0;
        for (int32_t pair = 0; pair < pairs; ++pair) {
            sum = tk_smlad((uint32_t)weights[pair * step], columns[pair * tiles + tile], sum);
        }
        *product = sum;
    }
}

#define MATMUL(name, positions, pairs, tiles, add, mul)                                            \
    void name TK_MATMUL_S16_ARGUMENTS {                                                            \
        for (int32_t at = 0; at < (positions); ++at, columns += (pairs) * (tiles)) {               \
            int32_t *to = product + at;                                                            \
            for (uint32_t i = 0; i < 3 * triples; ++i, to += (tiles) * (positions)) {              \
                multiply(weights + i % 3, 3, columns, to, positions, pairs, tiles, add);           \
                weights += i % 3 == 2 ? 3 * (pairs) : 0;                                           \
            }                                                                                      \
            for (uint32_t i = 0; i < singles; ++i, to += (tiles) * (positions)) {                  \
                multiply(weights, 1, columns, to, positions, pairs, tiles, add);                   \
                weights += (pairs);                                                                \
            }                                                                                      \
        }                                                                                          \
    }

#endif

#define MATMULS(positions, pairs, tiles)                                                           \
    MATMUL(tk_matmul##positions##_s16_##pairs##x##tiles, positions, pairs, tiles, LOAD_NOTHING,    \
           FIRST)                                                                                  \
    MATMUL(tk_matmul##positions##_s16_add_##pairs##x##tiles, positions, pairs, tiles, LOAD_SUMS,   \
           MORE)

TK_MATMUL_S16_ALL(MATMULS)
