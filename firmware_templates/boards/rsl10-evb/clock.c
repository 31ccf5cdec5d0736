/* SPDX-License-Identifier: Apache-2.0 */
/* RSL10: on the RC oscillator that it starts with (see `unsure` in board.toml); the core's loop
 * cache (hardware reference, SYSCTRL_CSS_LOOP_CACHE_CFG) is off from reset. */
#include "board.h"

#define SYSCTRL_CSS_LOOP_CACHE_CFG 0x4000000Cu

int board_clock_start(void) {
    BOARD_REGISTER(SYSCTRL_CSS_LOOP_CACHE_CFG) = 1u;
    return 1;
}
