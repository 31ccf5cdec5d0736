/* SPDX-License-Identifier: Apache-2.0 */
/* From reset to main: vector table, FPU, memory, stack painting, clock; faults become results. */
#include "board.h"
#include "board_results.h"

/* Boundaries set by linker.ld. */
extern uint32_t board_stack_start[], board_stack_end[];
extern uint32_t board_data_start[], board_data_end[], board_data_load[];
extern uint32_t board_bss_start[], board_bss_end[];
#if defined(TK_HOT_CODE) && TK_HOT_CODE
extern uint32_t board_hot_start[], board_hot_end[], board_hot_load[];
#endif

int main(void);
void Reset_Handler(void);
void board_report_fault(const uint32_t *frame);

#define STACK_PATTERN 0xDEADBEEFu
#define VECTOR_TABLE_OFFSET 0xE000ED08u
#define COPROCESSOR_ACCESS 0xE000ED88u

extern const uint32_t board_vectors[];

static inline void enable_fpu(void) {
#if defined(__ARM_FP)
    BOARD_REGISTER(COPROCESSOR_ACCESS) |= 0xFu << 20;
    __asm__ volatile("dsb\n isb" ::: "memory");
#endif
}

/* Fills the unused stack, everything below the caller's frame, with the pattern. */
static inline void paint_stack(void) {
    uint32_t *stack_pointer;
    __asm__ volatile("mov %0, sp" : "=r"(stack_pointer));
    for (volatile uint32_t *word = board_stack_start; word < stack_pointer; word++) {
        *word = STACK_PATTERN;
    }
}

static inline void copy(const volatile uint32_t *from, volatile uint32_t *to, const uint32_t *end) {
    while (to < end) {
        *to++ = *from++;
    }
}

/* A boot ROM or a loader may have run before: interrupts off, the own stack, then C. */
__attribute__((naked)) void Reset_Handler(void) {
    __asm__ volatile("cpsid i\n"
                     "ldr r0, =board_stack_end\n"
                     "mov sp, r0\n"
                     "b board_start\n"
                     ".ltorg\n");
}

__attribute__((used)) void board_start(void);
void board_start(void) {
    BOARD_REGISTER(VECTOR_TABLE_OFFSET) = (uint32_t)(uintptr_t)board_vectors;
    enable_fpu();
    paint_stack();
    copy(board_data_load, board_data_start, board_data_end);
#if defined(TK_HOT_CODE) && TK_HOT_CODE
    copy(board_hot_load, board_hot_start, board_hot_end);
    __asm__ volatile("dsb\n isb" ::: "memory");
#endif
    for (volatile uint32_t *word = board_bss_start; word < board_bss_end; word++) {
        *word = 0;
    }
    __asm__ volatile("cpsie i" ::: "memory");
    board_begin();
    const int clock = board_clock_start();
    board_console_start();
    if (!clock) {
        board_print("the clock does not start\n");
        board_end(BOARD_NO_CLOCK, 0);
    }
    (void)main();
    board_stop();
}

uint32_t board_stack_bytes(void) {
    const volatile uint32_t *word = board_stack_start;
    while (word < board_stack_end && *word == STACK_PATTERN) {
        word++;
    }
    return (uint32_t)((uintptr_t)board_stack_end - (uintptr_t)word);
}

void Fault_Handler(void);

/* Every exception without a handler ends here. The stack may have overflowed: continue on a fresh
 * one, hand over the exception frame of the code that failed (its program counter is word 6). */
__attribute__((naked)) void Fault_Handler(void) {
    __asm__ volatile("mov r0, sp\n"
                     "ldr r1, =board_stack_end\n"
                     "mov sp, r1\n"
                     "b board_report_fault\n"
                     ".ltorg\n");
}

__attribute__((used)) void board_report_fault(const uint32_t *frame) {
    const uint32_t pc =
        frame >= board_stack_start && frame + 8 <= board_stack_end ? frame[6] : UINT32_MAX;
    board_end(BOARD_FAULT, pc);
}
