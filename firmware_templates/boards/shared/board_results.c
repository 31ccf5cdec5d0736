/* SPDX-License-Identifier: Apache-2.0 */
#include "board_results.h"

#include "board.h"

board_results_block board_results;

void board_begin(void) {
    board_results.state = BOARD_RUNNING;
    board_results.counter_hz = BOARD_CLOCK_HZ;
    board_results.magic = BOARD_RESULTS_MAGIC;
}

void board_end(uint32_t state, uint32_t detail) {
    board_results.detail = detail;
    board_results.stack_bytes = board_stack_bytes();
    board_results.state = state;
    board_results.magic = BOARD_RESULTS_MAGIC;
    board_stop();
}

__attribute__((noinline, used)) void board_stop(void) {
    for (;;) {
        __asm__ volatile("wfi" ::"r"(&board_results) : "memory");
    }
}
