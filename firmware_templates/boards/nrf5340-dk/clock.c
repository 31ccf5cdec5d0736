/* SPDX-License-Identifier: Apache-2.0 */
/* nRF5340, application core: 64 MHz from reset, 128 MHz without the divider (Product Specification,
 * 7.11: HFCLKCTRL); the crystal makes that exact; the cache is off from reset (7.9). */
#include "board.h"

#define CLOCK 0x50005000u
#define CLOCK_TASKS_HFCLKSTART (CLOCK + 0x000u)
#define CLOCK_EVENTS_HFCLKSTARTED (CLOCK + 0x100u)
#define CLOCK_HFCLKCTRL (CLOCK + 0x558u)
#define CACHE_ENABLE 0x50001500u

int board_clock_start(void) {
    BOARD_REGISTER(CACHE_ENABLE) = 1u;
    BOARD_REGISTER(CLOCK_HFCLKCTRL) = 0u;
    BOARD_REGISTER(CLOCK_EVENTS_HFCLKSTARTED) = 0;
    BOARD_REGISTER(CLOCK_TASKS_HFCLKSTART) = 1u;
    return board_await(CLOCK_EVENTS_HFCLKSTARTED, 1u, 1u);
}
