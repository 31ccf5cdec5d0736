/* SPDX-License-Identifier: Apache-2.0 */
/* STM32U575 at 160 MHz: MSIS 4 MHz x 80 / 2 (RM0456, 11.4.4), voltage range 1 with the EPOD booster
 * (10.5.4), 4 wait states with prefetch (7.3.3) and the instruction cache, which holds constants of
 * the flash too (8.4); USART1 on PA9. */
#include "board.h"

#define RCC 0x46020C00u
#define RCC_CR (RCC + 0x00u)
#define RCC_CFGR1 (RCC + 0x1Cu)
#define RCC_PLL1CFGR (RCC + 0x28u)
#define RCC_PLL1DIVR (RCC + 0x34u)
#define RCC_AHB2ENR1 (RCC + 0x8Cu)
#define RCC_AHB3ENR (RCC + 0x94u)
#define RCC_APB2ENR (RCC + 0xA4u)
#define PWR_VOSR 0x4602080Cu
#define FLASH_ACR 0x40022000u
#define ICACHE_CR 0x40030400u
#define GPIOA 0x42020000u
#define GPIOA_MODER (GPIOA + 0x00u)
#define GPIOA_AFRH (GPIOA + 0x24u)

static void connect_console(void) {
    BOARD_REGISTER(RCC_AHB2ENR1) |= 1u;
    BOARD_REGISTER(RCC_APB2ENR) |= 1u << 14;
    (void)BOARD_REGISTER(RCC_APB2ENR);
    BOARD_REGISTER(GPIOA_AFRH) = (BOARD_REGISTER(GPIOA_AFRH) & ~(0xFu << 4)) | 7u << 4;
    BOARD_REGISTER(GPIOA_MODER) = (BOARD_REGISTER(GPIOA_MODER) & ~(3u << 18)) | 2u << 18;
}

int board_clock_start(void) {
    BOARD_REGISTER(RCC_AHB3ENR) |= 1u << 2; /* PWR */
    (void)BOARD_REGISTER(RCC_AHB3ENR);
    BOARD_REGISTER(PWR_VOSR) |= 3u << 16; /* range 1 */
    int started = board_await(PWR_VOSR, 1u << 15, 1u << 15);
    BOARD_REGISTER(FLASH_ACR) = 1u << 8 | 4u;
    BOARD_REGISTER(ICACHE_CR) |= 1u;
    /* From MSIS of 4 to 8 MHz, M 1, R with its output on; the booster takes the same clock. */
    BOARD_REGISTER(RCC_PLL1CFGR) = 1u << 18 | 1u;
    BOARD_REGISTER(PWR_VOSR) |= 1u << 18;
    started = started && board_await(PWR_VOSR, 1u << 14, 1u << 14);
    BOARD_REGISTER(RCC_PLL1DIVR) = 1u << 24 | 1u << 16 | 1u << 9 | 79u; /* R 2, Q 2, P 2, N 80 */
    BOARD_REGISTER(RCC_CR) |= 1u << 24;
    started = started && board_await(RCC_CR, 1u << 25, 1u << 25);
    if (started) {
        BOARD_REGISTER(RCC_CFGR1) |= 3u;
        started = board_await(RCC_CFGR1, 3u << 2, 3u << 2);
    }
    connect_console();
    return started;
}
