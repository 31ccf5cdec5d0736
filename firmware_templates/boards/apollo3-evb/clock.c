/* SPDX-License-Identifier: Apache-2.0 */
/* Apollo3 Blue: 48 MHz of the HFRC undivided (datasheet, 5: CCTRL, behind the key 0x47), the flash
 * cache for instructions and data (3.7: CACHECFG). */
#include "board.h"

#define CLKGEN_CLKKEY 0x40004014u
#define CLKGEN_CCTRL 0x40004018u
#define CACHECTRL_CACHECFG 0x40018000u

int board_clock_start(void) {
    BOARD_REGISTER(CLKGEN_CLKKEY) = 0x47u;
    BOARD_REGISTER(CLKGEN_CCTRL) = 0u;
    BOARD_REGISTER(CLKGEN_CLKKEY) = 0u;
    /* Two ways of 512 lines; both caches; then on. */
    BOARD_REGISTER(CACHECTRL_CACHECFG) = 1u << 9 | 1u << 8 | 5u << 4;
    BOARD_REGISTER(CACHECTRL_CACHECFG) |= 1u;
    return (BOARD_REGISTER(CLKGEN_CCTRL) & 1u) == 0;
}
