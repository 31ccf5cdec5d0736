/* SPDX-License-Identifier: Apache-2.0 */
/* Text by a U(S)ART of the STM32L4+ or U5 at 115200 baud (RM0432, 50.8; RM0456, 66.8). Its clock
 * and pin are set where the board's clock is. */
#include "board.h"

#define USART_CR1 (BOARD_CONSOLE_BASE + 0x00u)
#define USART_BRR (BOARD_CONSOLE_BASE + 0x0Cu)
#define USART_ISR (BOARD_CONSOLE_BASE + 0x1Cu)
#define USART_TDR (BOARD_CONSOLE_BASE + 0x28u)

void board_console_start(void) {
    BOARD_REGISTER(USART_BRR) = (uint32_t)((uint64_t)BOARD_CONSOLE_BAUD_CLOCK_HZ / 115200u);
    BOARD_REGISTER(USART_CR1) = 1u << 3 | 1u; /* transmitter, on */
}

void board_console_put(char character) {
    if (board_await(USART_ISR, 1u << 7, 1u << 7)) {
        BOARD_REGISTER(USART_TDR) = (uint8_t)character;
    }
}
