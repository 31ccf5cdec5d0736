/* SPDX-License-Identifier: Apache-2.0 */
/* Text by Nordic's UARTE at 115200 baud (nRF52840 Product Specification, 6.34; nRF5340's, 7.37: the
 * same registers), a character at a time. */
#include "board.h"

#define UARTE_TASKS_STARTTX (BOARD_CONSOLE_BASE + 0x008u)
#define UARTE_EVENTS_ENDTX (BOARD_CONSOLE_BASE + 0x120u)
#define UARTE_ENABLE (BOARD_CONSOLE_BASE + 0x500u)
#define UARTE_PSEL_TXD (BOARD_CONSOLE_BASE + 0x50Cu)
#define UARTE_BAUDRATE (BOARD_CONSOLE_BASE + 0x524u)
#define UARTE_TXD_PTR (BOARD_CONSOLE_BASE + 0x544u)
#define UARTE_TXD_MAXCNT (BOARD_CONSOLE_BASE + 0x548u)
#define GPIO_OUTSET (BOARD_CONSOLE_PORT + 0x08u)
#define GPIO_DIRSET (BOARD_CONSOLE_PORT + 0x18u)

static volatile char sent;

void board_console_start(void) {
    BOARD_REGISTER(GPIO_OUTSET) = 1u << BOARD_CONSOLE_PIN;
    BOARD_REGISTER(GPIO_DIRSET) = 1u << BOARD_CONSOLE_PIN;
    BOARD_REGISTER(UARTE_PSEL_TXD) = BOARD_CONSOLE_PIN; /* of port 0 */
    BOARD_REGISTER(UARTE_BAUDRATE) = 0x01D60000u;
    BOARD_REGISTER(UARTE_ENABLE) = 8u;
}

void board_console_put(char character) {
    sent = character;
    BOARD_REGISTER(UARTE_TXD_PTR) = (uint32_t)(uintptr_t)&sent;
    BOARD_REGISTER(UARTE_TXD_MAXCNT) = 1u;
    BOARD_REGISTER(UARTE_EVENTS_ENDTX) = 0;
    BOARD_REGISTER(UARTE_TASKS_STARTTX) = 1u;
    (void)board_await(UARTE_EVENTS_ENDTX, 1u, 1u);
}
