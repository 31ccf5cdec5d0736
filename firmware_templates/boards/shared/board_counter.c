/* SPDX-License-Identifier: Apache-2.0 */
/* Counts processor cycles: by the DWT of Armv7-M and later (Armv7-M reference manual, C1.8), or by
 * SysTick (B3.3), whose 24 bits its interrupt lengthens; that is also the audio interrupt of the
 * real-time application. */
#include "board.h"

#if defined(BOARD_COUNTER_SYSTICK) || defined(BOARD_REALTIME)

#define SYST_CSR 0xE000E010u
#define SYST_RVR 0xE000E014u
#define SYST_CVR 0xE000E018u

static volatile uint32_t interrupts;

void SysTick_Handler(void);

void SysTick_Handler(void) {
    interrupts++;
#ifdef BOARD_REALTIME
    board_tick();
#endif
}

void board_tick_start(void) {
    interrupts = 0;
    BOARD_REGISTER(SYST_RVR) = BOARD_TICKS - 1u;
    BOARD_REGISTER(SYST_CVR) = 0;
    BOARD_REGISTER(SYST_CSR) = 7u; /* processor clock, interrupt, on */
    /* The first tick reloads the counter: from there on it counts down. */
    for (uint32_t tries = 0; tries < 1000000u && BOARD_REGISTER(SYST_CVR) == 0; tries++) {
    }
}

#endif

static int advances(void) {
    const uint64_t before = board_cycles();
    for (uint32_t tries = 0; tries < 1000000u; tries++) {
        if (board_cycles() != before) {
            return 1;
        }
    }
    return 0;
}

#ifdef BOARD_COUNTER_DWT

#define DEMCR 0xE000EDFCu
#define DWT_CTRL 0xE0001000u
#define DWT_CYCCNT 0xE0001004u
#define DWT_LAR 0xE0001FB0u

static uint64_t counted;
static uint32_t last;

int board_counter_start(void) {
    BOARD_REGISTER(DEMCR) |= 1u << 24;
    BOARD_REGISTER(DWT_LAR) = 0xC5ACCE55u; /* some Cortex-M7 lock it */
    BOARD_REGISTER(DWT_CYCCNT) = 0;
    BOARD_REGISTER(DWT_CTRL) |= 1u;
    counted = 0;
    last = 0;
    return advances();
}

/* To be called at least once in 2^32 cycles. */
uint64_t board_cycles(void) {
    const uint32_t now = BOARD_REGISTER(DWT_CYCCNT);
    counted += now - last;
    last = now;
    return counted;
}

#else

int board_counter_start(void) {
    board_tick_start();
    return advances();
}

uint64_t board_cycles(void) {
    uint32_t before, value;
    do {
        before = interrupts;
        value = BOARD_REGISTER(SYST_CVR);
    } while (before != interrupts);
    return (uint64_t)before * BOARD_TICKS + (BOARD_TICKS - 1u - value);
}

#endif
