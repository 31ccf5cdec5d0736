/* SPDX-License-Identifier: Apache-2.0 */
/* Text by a USART of the STM32F4 (RM0090, 30.6). Pins, clock and rate are not set: simulated boards
 * need none. */
#include "board.h"

#define USART_SR (BOARD_CONSOLE_BASE + 0x00u)
#define USART_DR (BOARD_CONSOLE_BASE + 0x04u)
#define USART_CR1 (BOARD_CONSOLE_BASE + 0x0Cu)

void board_console_start(void) {
    BOARD_REGISTER(USART_CR1) = 1u << 13 | 1u << 3; /* on, transmitter */
}

void board_console_put(char character) {
    if (board_await(USART_SR, 1u << 7, 1u << 7)) {
        BOARD_REGISTER(USART_DR) = (uint8_t)character;
    }
}
