/* SPDX-License-Identifier: Apache-2.0 */
/* What the application leaves in RAM for who reads it through a debug probe.
 *
 * The host stops at board_stop and reads board_results: its layout is that of
 * toolkit/flash/results.py. `magic` is written last at the start and never changes.
 */
#ifndef BOARD_RESULTS_H
#define BOARD_RESULTS_H

#include <stdint.h>

#include "board_model.h"

#define BOARD_RESULTS_MAGIC 0x52424B54u /* "TKBR" */

enum {
    BOARD_RUNNING = 1,
    BOARD_DONE = 2,
    BOARD_FAULT = 3,        /* detail: program counter */
    BOARD_NO_COUNTER = 4,   /* the cycle counter does not advance; outputs hold */
    BOARD_NO_CLOCK = 5,     /* an oscillator or PLL did not start */
    BOARD_MODEL_REFUSED = 6 /* detail: what the library returned */
};

typedef struct board_results_block {
    uint32_t magic;
    uint32_t state;
    uint32_t detail;
    uint32_t counter_hz;
    uint64_t cycles;       /* all pushes and the end of the clip */
    uint64_t cycles_worst; /* of a push */
    uint64_t cycles_finish;
    uint32_t pushes;
    uint32_t overruns; /* blocks of audio lost; real-time application only */
    uint32_t stack_bytes;
    uint32_t output_bytes;
    uint8_t outputs[(BOARD_OUTPUT_BYTES + 7u) & ~7u];
} board_results_block;

extern board_results_block board_results;

/* Begins: state running. */
void board_begin(void);
/* Ends with a state and what belongs to it; never returns. A debugger stops at board_stop. */
__attribute__((noreturn)) void board_end(uint32_t state, uint32_t detail);
__attribute__((noreturn)) void board_stop(void);

#endif
