/* SPDX-License-Identifier: Apache-2.0 */
/* i.MX RT1062 at 600 MHz: 1.25 V (IMXRT1060RM, 18.8: DCDC_REG3), ARM PLL 24 MHz x 100 / 2 halved
 * (14.7: CCM_ANALOG_PLL_ARM, CACRR), by way of the 24 MHz crystal meanwhile; both caches of the
 * core (Armv7-M reference manual, B4.8), which hold the flash: DTCM needs none. LPUART6 on pin 1.
 */
#include "board.h"

#define CCM 0x400FC000u
#define CCM_CACRR (CCM + 0x10u)
#define CCM_CBCDR (CCM + 0x14u)
#define CCM_CBCMR (CCM + 0x18u)
#define CCM_CSCDR1 (CCM + 0x24u)
#define CCM_CDHIPR (CCM + 0x48u)
#define CCM_CCGR3 (CCM + 0x74u)
#define CCM_CCGR6 (CCM + 0x80u)
#define CCM_ANALOG_PLL_ARM 0x400D8000u
#define DCDC_REG0 0x40080000u
#define DCDC_REG3 0x4008000Cu
#define IOMUXC_MUX_AD_B0_02 0x401F80C4u

#define SCB_CCR 0xE000ED14u
#define SCB_CCSIDR 0xE000ED80u
#define SCB_CSSELR 0xE000ED84u
#define SCB_ICIALLU 0xE000EF50u
#define SCB_DCISW 0xE000EF60u

#define PLL_LOCK (1u << 31)

static void barrier(void) {
    __asm__ volatile("dsb\n isb" ::: "memory");
}

static void enable_caches(void) {
    if ((BOARD_REGISTER(SCB_CCR) & (1u << 17)) == 0) {
        barrier();
        BOARD_REGISTER(SCB_ICIALLU) = 0;
        barrier();
        BOARD_REGISTER(SCB_CCR) |= 1u << 17;
        barrier();
    }
    if ((BOARD_REGISTER(SCB_CCR) & (1u << 16)) == 0) {
        BOARD_REGISTER(SCB_CSSELR) = 0;
        barrier();
        const uint32_t size = BOARD_REGISTER(SCB_CCSIDR);
        const uint32_t sets = (size >> 13) & 0x7FFFu, ways = (size >> 3) & 0x3FFu;
        for (uint32_t set = 0; set <= sets; set++) {
            for (uint32_t way = 0; way <= ways; way++) {
                BOARD_REGISTER(SCB_DCISW) = way << 30 | set << 5; /* 4 ways, lines of 32 bytes */
            }
        }
        barrier();
        BOARD_REGISTER(SCB_CCR) |= 1u << 16;
        barrier();
    }
}

static void connect_console(void) {
    BOARD_REGISTER(CCM_CSCDR1) = (BOARD_REGISTER(CCM_CSCDR1) & ~0x3Fu) | 1u << 6;
    BOARD_REGISTER(CCM_CCGR3) |= 3u << 6;
    BOARD_REGISTER(IOMUXC_MUX_AD_B0_02) = 2u;
}

int board_clock_start(void) {
    BOARD_REGISTER(CCM_CCGR6) |= 3u << 6; /* DCDC */
    BOARD_REGISTER(DCDC_REG3) = (BOARD_REGISTER(DCDC_REG3) & ~0x1Fu) | (1250u - 800u) / 25u;
    int started = board_await(DCDC_REG0, 1u << 31, 1u << 31);
    /* The core to the crystal. */
    BOARD_REGISTER(CCM_CBCDR) &= ~(7u << 27);
    BOARD_REGISTER(CCM_CBCMR) = (BOARD_REGISTER(CCM_CBCMR) & ~(3u << 12)) | 1u << 12;
    started = started && board_await(CCM_CDHIPR, 1u << 3, 0);
    BOARD_REGISTER(CCM_CBCDR) |= 1u << 25;
    started = started && board_await(CCM_CDHIPR, 1u << 5, 0);
    BOARD_REGISTER(CCM_ANALOG_PLL_ARM) = 1u << 12;
    BOARD_REGISTER(CCM_ANALOG_PLL_ARM) = 1u << 13 | 100u;
    started = started && board_await(CCM_ANALOG_PLL_ARM, PLL_LOCK, PLL_LOCK);
    BOARD_REGISTER(CCM_CACRR) = 1u;
    started = started && board_await(CCM_CDHIPR, 1u << 16, 0);
    BOARD_REGISTER(CCM_CBCDR) = (BOARD_REGISTER(CCM_CBCDR) & ~(7u << 10 | 3u << 8)) | 3u << 8;
    if (started) {
        BOARD_REGISTER(CCM_CBCDR) &= ~(1u << 25);
        started = board_await(CCM_CDHIPR, 1u << 5, 0);
    }
    enable_caches();
    connect_console();
    return started;
}
