/* SPDX-License-Identifier: Apache-2.0 */
#include "tk_matmul_s16_9ad0d129.h"

#if TK_DSP_BLOCKS
#pragma GCC diagnostic ignored "-Wunused-parameter" /* the assembly finds them by the ABI */

/* The sums of a block (three channels of three tiles, two of four) stay in core registers, the
 * columns of one position in the floating-point registers, a cycle away.  Two blocks are done in a
 * round; where there is an odd one, the first round of a position starts in its middle.
 *
 * r0 is a word before the weights, lr a word of the columns.
 */
#define FIRST(sum, weight) "smuad " sum ", " weight ", lr\n"
#define MORE(sum, weight) "smlad " sum ", " weight ", lr, " sum "\n"

/* each(pairs, mul, pair, write_back, its columns of three tiles, its columns of four tiles); the
 * last load of a block takes r0 to the next. */
#define AHEAD_1(each, n, mul) each(n, mul, 0, "", 0, 1, 2, 0, 1, 2, 3)
#define AHEAD_2(each, n, mul) AHEAD_1(each, n, mul) each(n, MORE, 1, "", 3, 4, 5, 4, 5, 6, 7)
#define AHEAD_3(each, n, mul) AHEAD_2(each, n, mul) each(n, MORE, 2, "", 6, 7, 8, 8, 9, 10, 11)
#define AHEAD_4(each, n, mul) AHEAD_3(each, n, mul) each(n, MORE, 3, "", 9, 10, 11, 12, 13, 14, 15)
#define AHEAD_5(each, n, mul) AHEAD_4(each, n, mul) each(n, MORE, 4, "", 12, 13, 14, 16, 17, 18, 19)
#define AHEAD_6(each, n, mul) AHEAD_5(each, n, mul) each(n, MORE, 5, "", 15, 16, 17, 20, 21, 22, 23)
#define AHEAD_7(each, n, mul) AHEAD_6(each, n, mul) each(n, MORE, 6, "", 18, 19, 20, 24, 25, 26, 27)
#define PAIRS_1(each, mul) each(1, mul, 0, "!", 0, 1, 2, 0, 1, 2, 3)
#define PAIRS_2(each, mul) AHEAD_1(each, 2, mul) each(2, MORE, 1, "!", 3, 4, 5, 4, 5, 6, 7)
#define PAIRS_3(each, mul) AHEAD_2(each, 3, mul) each(3, MORE, 2, "!", 6, 7, 8, 8, 9, 10, 11)
#define PAIRS_4(each, mul) AHEAD_3(each, 4, mul) each(4, MORE, 3, "!", 9, 10, 11, 12, 13, 14, 15)
#define PAIRS_5(each, mul) AHEAD_4(each, 5, mul) each(5, MORE, 4, "!", 12, 13, 14, 16, 17, 18, 19)
#define PAIRS_6(each, mul) AHEAD_5(each, 6, mul) each(6, MORE, 5, "!", 15, 16, 17, 20, 21, 22, 23)
#define PAIRS_7(each, mul) AHEAD_6(each, 7, mul) each(7, MORE, 6, "!", 18, 19, 20, 24, 25, 26, 27)
#define PAIRS_8(each, mul) AHEAD_7(each, 8, mul) each(8, MORE, 7, "!", 21, 22, 23, 28, 29, 30, 31)

#define WEIGHT(to, n, channel, pair, write_back)                                                   \
    "ldr " to ", [r0, #4 + 4 * (" #n " * " #channel " + " #pair ")]" write_back "\n"
#define COLUMN(word) "vmov lr, s" #word "\n"
#define COLUMN_3(mul, word, a, b, c) COLUMN(word) mul(a, "r1") mul(b, "r2") mul(c, "r3")
#define COLUMN_2(mul, word, a, b) COLUMN(word) mul(a, "r1") mul(b, "r2")

/* Blocks: r1-r3 (r1, r2) weights, from r4 (r3) on the sums, [channel][tile]. */
#define BLOCK_3(n, mul, pair, write_back, v0, v1, v2, w0, w1, w2, w3)                              \
    WEIGHT("r1", n, 0, pair, "")                                                                   \
    WEIGHT("r2", n, 1, pair, "")                                                                   \
    WEIGHT("r3", n, 2, pair, write_back)                                                           \
    COLUMN_3(mul, v0, "r4", "r7", "r10")                                                           \
    COLUMN_3(mul, v1, "r5", "r8", "r11") COLUMN_3(mul, v2, "r6", "r9", "r12")
#define BLOCK_4(n, mul, pair, write_back, v0, v1, v2, w0, w1, w2, w3)                              \
    WEIGHT("r1", n, 0, pair, "")                                                                   \
    WEIGHT("r2", n, 1, pair, write_back)                                                           \
    COLUMN_2(mul, w0, "r3", "r7")                                                                  \
    COLUMN_2(mul, w1, "r4", "r8") COLUMN_2(mul, w2, "r5", "r9") COLUMN_2(mul, w3, "r6", "r10")
/* Single channels: the sums like a block's first channel; weights of four pairs at a time. */
#define SINGLE_WEIGHT(to, pair, write_back) WEIGHT(to, 0, 0, pair, write_back)
#define RUN_1(first, write_back) SINGLE_WEIGHT("r1", first, write_back)
#define RUN_2(first, write_back) RUN_1(first, "") SINGLE_WEIGHT("r2", first + 1, write_back)
#define RUN_3(first, write_back) RUN_2(first, "") SINGLE_WEIGHT("r7", first + 2, write_back)
#define RUN_4(first, write_back) RUN_3(first, "") SINGLE_WEIGHT("r8", first + 3, write_back)
#define WEIGHTS_0(n) WEIGHTS_0_##n
#define WEIGHTS_0_1 RUN_1(0, "!")
#define WEIGHTS_0_2 RUN_2(0, "!")
#define WEIGHTS_0_3 RUN_3(0, "!")
#define WEIGHTS_0_4 RUN_4(0, "!")
#define WEIGHTS_0_5 RUN_4(0, "")
#define WEIGHTS_0_6 RUN_4(0, "")
#define WEIGHTS_0_7 RUN_4(0, "")
#define WEIGHTS_0_8 RUN_4(0, "")
#define WEIGHTS_1(n)
#define WEIGHTS_2(n)
#define WEIGHTS_3(n)
#define WEIGHTS_4(n) WEIGHTS_4_##n
#define WEIGHTS_4_5 RUN_1(4, "!")
#define WEIGHTS_4_6 RUN_2(4, "!")
#define WEIGHTS_4_7 RUN_3(4, "!")
#define WEIGHTS_4_8 RUN_4(4, "!")
#define WEIGHTS_5(n)
#define WEIGHTS_6(n)
#define WEIGHTS_7(n)
#define WEIGHT_0 "r1"
#define WEIGHT_1 "r2"
#define WEIGHT_2 "r7"
#define WEIGHT_3 "r8"
#define WEIGHT_4 "r1"
#define WEIGHT_5 "r2"
#define WEIGHT_6 "r7"
#define WEIGHT_7 "r8"
#define COLUMN_1(mul, word, a, weight) COLUMN(word) mul(a, weight)
#define SINGLE_3(n, mul, pair, write_back, v0, v1, v2, w0, w1, w2, w3)                             \
    WEIGHTS_##pair(n) COLUMN_1(mul, v0, "r4", WEIGHT_##pair)                                       \
        COLUMN_1(mul, v1, "r5", WEIGHT_##pair) COLUMN_1(mul, v2, "r6", WEIGHT_##pair)
#define SINGLE_4(n, mul, pair, write_back, v0, v1, v2, w0, w1, w2, w3)                             \
    WEIGHTS_##pair(n) COLUMN_1(mul, w0, "r3", WEIGHT_##pair)                                       \
        COLUMN_1(mul, w1, "r4", WEIGHT_##pair) COLUMN_1(mul, w2, "r5", WEIGHT_##pair)              \
            COLUMN_1(mul, w3, "r6", WEIGHT_##pair)

/* sums(op, at): `op` every sum, the first at word 16 * at behind the pointer. */
#define SUM(op, sum, pointer, tile, at) #op " " sum ", [" pointer ", #64 * (" #tile " + " #at ")]\n"
#define SUMS_SINGLE_3(op, at)                                                                      \
    SUM(op, "r4", "r1", 0, at) SUM(op, "r5", "r1", 1, at) SUM(op, "r6", "r1", 2, at)
#define SUMS_BLOCK_3(op, at)                                                                       \
    SUMS_SINGLE_3(op, at)                                                                          \
    SUM(op, "r7", "r1", 3, at)                                                                     \
    SUM(op, "r8", "r1", 4, at)                                                                     \
    SUM(op, "r9", "r1", 5, at)                                                                     \
    SUM(op, "r10", "r1", 6, at) SUM(op, "r11", "r1", 7, at) SUM(op, "r12", "r1", 8, at)
#define SUMS_SINGLE_4(op, at)                                                                      \
    SUM(op, "r3", "r11", 0, at)                                                                    \
    SUM(op, "r4", "r11", 1, at) SUM(op, "r5", "r11", 2, at) SUM(op, "r6", "r11", 3, at)
#define SUMS_BLOCK_4(op, at)                                                                       \
    SUMS_SINGLE_4(op, at)                                                                          \
    SUM(op, "r7", "r11", 4, at)                                                                    \
    SUM(op, "r8", "r11", 5, at) SUM(op, "r9", "r11", 6, at) SUM(op, "r10", "r11", 7, at)

#define POINT_3 "vmov r1, s25\n"
#define POINT_4
#define LOAD_NOTHING(point, sums, at)
#define LOAD_SUMS(point, sums, at) point sums(ldr, at)

#define CHANNELS(kind, pairs, tiles, at, load, mul)                                                \
    load(POINT_##tiles, SUMS_##kind##_##tiles, at) PAIRS_##pairs(kind##_##tiles, mul)              \
        POINT_##tiles                                                                              \
        SUMS_##kind##_##tiles(str, at)
#define REST_0(pairs, tiles, load, mul)
#define REST_1(pairs, tiles, load, mul) CHANNELS(SINGLE, pairs, tiles, 0, load, mul)
#define REST_2(pairs, tiles, load, mul)                                                            \
    REST_1(pairs, tiles, load, mul) CHANNELS(SINGLE, pairs, tiles, 3, load, mul)

#define LAST_COLUMN_1x3 "s2"
#define LAST_COLUMN_2x3 "s5"
#define LAST_COLUMN_3x3 "s8"
#define LAST_COLUMN_4x3 "s11"
#define LAST_COLUMN_5x3 "s14"
#define LAST_COLUMN_6x3 "s17"
#define LAST_COLUMN_7x3 "s20"
#define LAST_COLUMN_8x3 "s23"
#define LAST_COLUMN_1x4 "s3"
#define LAST_COLUMN_2x4 "s7"
#define LAST_COLUMN_3x4 "s11"
#define LAST_COLUMN_4x4 "s15"
#define LAST_COLUMN_5x4 "s19"
#define LAST_COLUMN_6x4 "s23"
#define LAST_COLUMN_7x4 "s27"
#define LAST_COLUMN_8x4 "s31"

/* r4 product behind the blocks, r5 from there to where the next position starts (half a round
 * before the product when the blocks are odd), r6 where the last one ends, r3 whether odd. */
#define ENTER(block_bytes)                                                                         \
    "push {r4-r11, lr}\n"                                                                          \
    "vpush {s16-s31}\n"                                                                            \
    "sub r0, r0, #4\n"                                                                             \
    "mov r7, #" block_bytes "\n"                                                                   \
    "mul r5, r7, r3\n"                                                                             \
    "and r3, r3, #1\n"                                                                             \
    "add r4, r2, r5\n"                                                                             \
    "mul r7, r7, r3\n"                                                                             \
    "add r5, r5, r7\n"                                                                             \
    "sub r5, r5, #4\n"                                                                             \
    "sub r2, r2, r7\n"                                                                             \
    "add r6, r2, #64\n"
#define LEAVE                                                                                      \
    "vpop {s16-s31}\n"                                                                             \
    "pop {r4-r11, pc}\n"

/* s24 columns, s25 product, s26 its end, s27 back to its next position, s28 whether odd, s29 where
 * the last position ends. */
#define MATMUL_3(name, pairs, rest, load, mul)                                                     \
    TK_HOT(#name) TK_NAKED void name TK_MATMUL_S16_ARGUMENTS {                                     \
        __asm__(ENTER("576") "vmov s24, r1\n"                                                      \
                             "vmov s25, r2\n"                                                      \
                             "vmov s26, r4\n"                                                      \
                             "vmov s27, r5\n"                                                      \
                             "vmov s28, r3\n"                                                      \
                             "vmov s29, r6\n"                                                      \
                             "1:\n"                                                                \
                             "vmov r1, s24\n"                                                      \
                             "vmov r2, s28\n"                                                      \
                             "vldmia r1!, {s0-" LAST_COLUMN_##pairs##x3                            \
                "}\n"                                                                              \
                "vmov s24, r1\n"                                                                   \
                "cmp r2, #0\n"                                                                     \
                "bne 3f\n"                                                                         \
                "2:\n" CHANNELS(BLOCK, pairs, 3, 0, load, mul));                                   \
        __asm__("3:\n" CHANNELS(BLOCK, pairs, 3, 9, load, mul) /* */                               \
                "vmov r2, s26\n"                                                                   \
                "add r1, r1, #1152\n"                                                              \
                "vmov s25, r1\n"                                                                   \
                "cmp r1, r2\n"                                                                     \
                "bne 2b\n");                                                                       \
        __asm__(REST_##rest(pairs, 3, load, mul) /* */                                             \
                "vmov r1, s26\n"                                                                   \
                "vmov r2, s27\n"                                                                   \
                "vmov r3, s29\n"                                                                   \
                "sub r2, r1, r2\n"                                                                 \
                "add r1, r1, #4\n"                                                                 \
                "vmov s25, r2\n"                                                                   \
                "vmov s26, r1\n"                                                                   \
                "cmp r2, r3\n"                                                                     \
                "bne 1b\n" LEAVE);                                                                 \
    }

/* r11 product, r12 its end; on the stack columns, whether odd, back to the product's next position,
 * where the last position ends. */
#define MATMUL_4(name, pairs, rest, load, mul)                                                     \
    TK_HOT(#name) TK_NAKED void name TK_MATMUL_S16_ARGUMENTS {                                     \
        __asm__(ENTER("512") "mov r11, r2\n"                                                       \
                             "mov r12, r4\n"                                                       \
                             "push {r1, r3, r5, r6}\n"                                             \
                             "1:\n"                                                                \
                             "ldr r1, [sp]\n"                                                      \
                             "ldr r2, [sp, #4]\n"                                                  \
                             "vldmia r1!, {s0-" LAST_COLUMN_##pairs##x4                            \
                "}\n"                                                                              \
                "str r1, [sp]\n"                                                                   \
                "cmp r2, #0\n"                                                                     \
                "bne 3f\n"                                                                         \
                "2:\n" CHANNELS(BLOCK, pairs, 4, 0, load, mul));                                   \
        __asm__("3:\n" CHANNELS(BLOCK, pairs, 4, 8, load, mul) /* */                               \
                "add r11, r11, #1024\n"                                                            \
                "cmp r11, r12\n"                                                                   \
                "bne 2b\n");                                                                       \
        __asm__(REST_##rest(pairs, 4, load, mul) /* */                                             \
                "ldr r1, [sp, #8]\n"                                                               \
                "ldr r2, [sp, #12]\n"                                                              \
                "sub r11, r12, r1\n"                                                               \
                "add r12, r12, #4\n"                                                               \
                "cmp r11, r2\n"                                                                    \
                "bne 1b\n"                                                                         \
                "add sp, sp, #16\n" LEAVE);                                                        \
    }

#define MATMULS(pairs, tiles, rest)                                                                \
    MATMUL_##tiles(tk_9ad0d129_matmul_s16_##pairs##x##tiles##_##rest, pairs, rest, LOAD_NOTHING, FIRST)     \
        MATMUL_##tiles(tk_9ad0d129_matmul_s16_add_##pairs##x##tiles##_##rest, pairs, rest, LOAD_SUMS, MORE)

TK_MATMUL_S16_ALL(MATMULS)

#else

void tk_9ad0d129_matmul_s16(const int32_t *weights, const uint32_t *columns, int32_t *product, int32_t out_c,
                   int32_t pairs, int32_t tiles, int32_t add) {
    for (int32_t position = 0; position < 16; ++position, columns += pairs * tiles) {
        int32_t *to = product + position;
        for (int32_t channel = 0; channel < out_c; ++channel, weights += pairs) {
            for (int32_t tile = 0; tile < tiles; ++tile, to += 16) {
                int32_t sum = add ? *to : 0;
                for (int32_t pair = 0; pair < pairs; ++pair) {
                    sum = tk_9b6e09c2_smlad((uint32_t)weights[pair], columns[pair * tiles + tile], sum);
                }
                *to = sum;
            }
        }
    }
}

#endif
