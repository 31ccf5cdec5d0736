/* SPDX-License-Identifier: Apache-2.0 */
/* Text by an LPUART of the i.MX RT at 115200 baud from the 24 MHz crystal (IMXRT1060RM, 49.4). Its
 * clock and pin are set where the board's clock is. */
#include "board.h"

#define LPUART_BAUD (BOARD_CONSOLE_BASE + 0x10u)
#define LPUART_STAT (BOARD_CONSOLE_BASE + 0x14u)
#define LPUART_CTRL (BOARD_CONSOLE_BASE + 0x18u)
#define LPUART_DATA (BOARD_CONSOLE_BASE + 0x1Cu)

void board_console_start(void) {
    BOARD_REGISTER(LPUART_BAUD) = 25u << 24 | 8u; /* 24 MHz / 26 / 8 = 115385 */
    BOARD_REGISTER(LPUART_CTRL) = 1u << 19;       /* transmitter */
}

void board_console_put(char character) {
    if (board_await(LPUART_STAT, 1u << 23, 1u << 23)) {
        BOARD_REGISTER(LPUART_DATA) = (uint8_t)character;
    }
}
