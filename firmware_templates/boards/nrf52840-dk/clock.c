/* SPDX-License-Identifier: Apache-2.0 */
/* nRF52840: the core runs at 64 MHz from reset. The crystal makes that exact (Product
 * Specification, 5.4.4), the instruction cache of the flash is off from reset (4.3.6). */
#include "board.h"

#define CLOCK_TASKS_HFCLKSTART 0x40000000u
#define CLOCK_EVENTS_HFCLKSTARTED 0x40000100u
#define NVMC_ICACHECNF 0x4001E540u

int board_clock_start(void) {
    BOARD_REGISTER(NVMC_ICACHECNF) = 1u;
    BOARD_REGISTER(CLOCK_EVENTS_HFCLKSTARTED) = 0;
    BOARD_REGISTER(CLOCK_TASKS_HFCLKSTART) = 1u;
    return board_await(CLOCK_EVENTS_HFCLKSTARTED, 1u, 1u);
}
