/* SPDX-License-Identifier: Apache-2.0 */
/* Text by an Arm CMSDK APB UART (Cortex-M System Design Kit TRM, DDI 0479, 4.3). */
#include "board.h"

#define UART_DATA (BOARD_CONSOLE_BASE + 0x00u)
#define UART_STATE (BOARD_CONSOLE_BASE + 0x04u)
#define UART_CTRL (BOARD_CONSOLE_BASE + 0x08u)
#define UART_BAUDDIV (BOARD_CONSOLE_BASE + 0x10u)

void board_console_start(void) {
    BOARD_REGISTER(UART_BAUDDIV) = BOARD_CLOCK_HZ / 115200u;
    BOARD_REGISTER(UART_CTRL) = 1u; /* transmitter */
}

void board_console_put(char character) {
    if (board_await(UART_STATE, 1u, 0u)) {
        BOARD_REGISTER(UART_DATA) = (uint8_t)character;
    }
}
