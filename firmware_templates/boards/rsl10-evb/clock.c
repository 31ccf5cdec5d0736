/* SPDX-License-Identifier: Apache-2.0 */
/* RSL10 at 48 MHz: the radio's supply and its 48 MHz crystal, undivided (hardware reference, "Clock
 * generation"; onsemi's SVD: registers and fields); the flash timed for that clock, the core's loop
 * cache on. */
#include "board.h"

#define SYSCTRL_CSS_LOOP_CACHE_CFG 0x4000000Cu
#define SYSCTRL_RF_POWER_CFG 0x40000050u
#define SYSCTRL_RF_ACCESS_CFG 0x40000054u
#define CLK_SYS_CFG 0x40000100u
#define FLASH_DELAY_CTRL 0x40000510u
#define ACS_VDDRF_CTRL 0x40001314u
#define RF_XTAL_CTRL 0x400100ACu
#define RF_REG2F 0x400100BCu
#define RF_REG39 0x400100E4u

int board_clock_start(void) {
    BOARD_REGISTER(SYSCTRL_CSS_LOOP_CACHE_CFG) = 1u;
    /* The supply of the radio: on, no clamp. */
    BOARD_REGISTER(ACS_VDDRF_CTRL) = (BOARD_REGISTER(ACS_VDDRF_CTRL) & ~(1u << 12)) | 1u << 8;
    int started = board_await(ACS_VDDRF_CTRL, 1u << 24, 1u << 24);
    BOARD_REGISTER(SYSCTRL_RF_POWER_CFG) |= 1u;
    BOARD_REGISTER(SYSCTRL_RF_ACCESS_CFG) |= 1u;
    if (!started) {
        return 0;
    }
    /* The crystal: enabled (bit 16 is low) by this register (bit 12), divided by 1. */
    BOARD_REGISTER(RF_XTAL_CTRL) = (BOARD_REGISTER(RF_XTAL_CTRL) & ~(1u << 16)) | 1u << 12;
    BOARD_REGISTER(RF_REG2F) = (BOARD_REGISTER(RF_REG2F) & ~(7u << 24)) | 1u << 24;
    started = board_await(RF_REG39, 1u << 11, 1u << 11);
    if (started) {
        BOARD_REGISTER(FLASH_DELAY_CTRL) = (BOARD_REGISTER(FLASH_DELAY_CTRL) & ~0xFu) | 9u;
        BOARD_REGISTER(CLK_SYS_CFG) = (BOARD_REGISTER(CLK_SYS_CFG) & ~7u) | 2u;
    }
    return started;
}
