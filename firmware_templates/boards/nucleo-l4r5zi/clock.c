/* SPDX-License-Identifier: Apache-2.0 */
/* STM32L4R5 at 120 MHz: MSI 4 MHz x 60 / 2 (RM0432, 6.2.5), range 1 boost (5.1.9), 5 wait states
 * with prefetch and both flash caches (3.3.3); LPUART1 on PG7, whose supply must be switched on
 * (5.1.2). */
#include "board.h"

#define RCC 0x40021000u
#define RCC_CR (RCC + 0x00u)
#define RCC_CFGR (RCC + 0x08u)
#define RCC_PLLCFGR (RCC + 0x0Cu)
#define RCC_AHB2ENR (RCC + 0x4Cu)
#define RCC_APB1ENR1 (RCC + 0x58u)
#define RCC_APB1ENR2 (RCC + 0x5Cu)
#define PWR 0x40007000u
#define PWR_CR2 (PWR + 0x04u)
#define PWR_SR2 (PWR + 0x14u)
#define PWR_CR5 (PWR + 0x80u)
#define FLASH_ACR 0x40022000u
#define GPIOG 0x48001800u
#define GPIOG_MODER (GPIOG + 0x00u)
#define GPIOG_AFRL (GPIOG + 0x20u)

#define PLL_ON (1u << 24)
#define PLL_READY (1u << 25)

static void connect_console(void) {
    BOARD_REGISTER(PWR_CR2) |= 1u << 9; /* IOSV: PG2 to PG15 have their supply */
    BOARD_REGISTER(RCC_AHB2ENR) |= 1u << 6;
    BOARD_REGISTER(RCC_APB1ENR2) |= 1u;
    (void)BOARD_REGISTER(RCC_APB1ENR2);
    BOARD_REGISTER(GPIOG_AFRL) = (BOARD_REGISTER(GPIOG_AFRL) & ~(0xFu << 28)) | 8u << 28;
    BOARD_REGISTER(GPIOG_MODER) = (BOARD_REGISTER(GPIOG_MODER) & ~(3u << 14)) | 2u << 14;
}

int board_clock_start(void) {
    BOARD_REGISTER(RCC_APB1ENR1) |= 1u << 28; /* PWR */
    (void)BOARD_REGISTER(RCC_APB1ENR1);
    BOARD_REGISTER(PWR_CR5) &= ~(1u << 8);    /* R1MODE: boost */
    BOARD_REGISTER(FLASH_ACR) = 7u << 8 | 5u; /* caches, prefetch, wait states */
    int started = board_await(PWR_SR2, 1u << 10, 0) && board_await(FLASH_ACR, 0xFu, 5u);
    /* From MSI, M 1, N 60, R 2 with its output on. */
    BOARD_REGISTER(RCC_PLLCFGR) = 1u | 60u << 8 | 1u << 24;
    BOARD_REGISTER(RCC_CR) |= PLL_ON;
    started = started && board_await(RCC_CR, PLL_READY, PLL_READY);
    if (started) {
        /* Above 80 MHz by way of half the clock, for at least 1 us (RM0432, 6.2.8). */
        BOARD_REGISTER(RCC_CFGR) = 8u << 4 | 3u;
        started = board_await(RCC_CFGR, 3u << 2, 3u << 2);
        for (volatile uint32_t wait = 0; wait < 100u; wait++) {
        }
        BOARD_REGISTER(RCC_CFGR) = 3u;
    }
    connect_console();
    return started;
}
