/* SPDX-License-Identifier: Apache-2.0 */
/* Text through semihosting (SYS_WRITEC): simulators only, a board without a debugger would fault. */
#include "board.h"

void board_console_start(void) {
}

void board_console_put(char character) {
    register uint32_t r0 __asm__("r0") = 0x03u;
    register const char *r1 __asm__("r1") = &character;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}
