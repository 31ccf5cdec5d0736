/* SPDX-License-Identifier: Apache-2.0 */
/* Start of an Arm M-profile firmware: vector table, memory initialisation, stack painting, faults.
 *
 * Reset_Handler must not use memcpy or memset before .data and .bss stand; it has its own loops.
 */
#include "tk_io.h"

/* Boundaries set by linker.ld. */
extern uint32_t tk_stack_start[], tk_stack_end[];
extern uint32_t tk_data_start[], tk_data_end[], tk_data_load[];
extern uint32_t tk_bss_start[], tk_bss_end[];

int main(void);
void Reset_Handler(void);
void Fault_Handler(void);
void tk_report_fault(const uint32_t *frame);

#define STACK_PATTERN 0xDEADBEEFu
#define COPROCESSOR_ACCESS (*(volatile uint32_t *)0xE000ED88u)

typedef void (*handler)(void);

typedef struct {
    uint32_t *initial_stack;
    handler handlers[15];
} vector_table;

__attribute__((section(".vectors"), used)) static const vector_table vectors = {
    tk_stack_end,
    {Reset_Handler, Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler,
     Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler,
     Fault_Handler, Fault_Handler, Fault_Handler}};

static inline void enable_fpu(void) {
#if defined(__ARM_FP)
    COPROCESSOR_ACCESS |= 0xFu << 20;
    __asm__ volatile("dsb\n isb" ::: "memory");
#endif
}

/* Fills the unused stack, everything below the caller's frame, with the pattern. */
static inline void paint_stack(void) {
    uint32_t *stack_pointer;
    __asm__ volatile("mov %0, sp" : "=r"(stack_pointer));
    for (volatile uint32_t *word = tk_stack_start; word < stack_pointer; word++) {
        *word = STACK_PATTERN;
    }
}

void Reset_Handler(void) {
    enable_fpu();
    paint_stack();
    const volatile uint32_t *source = tk_data_load;
    for (volatile uint32_t *word = tk_data_start; word < tk_data_end; word++) {
        *word = *source++;
    }
    for (volatile uint32_t *word = tk_bss_start; word < tk_bss_end; word++) {
        *word = 0;
    }
    main();
    for (;;) {
    }
}

uint32_t tk_io_stack_painted_bytes(void) {
    const volatile uint32_t *word = tk_stack_start;
    while (word < tk_stack_end && *word == STACK_PATTERN) {
        word++;
    }
    return (uint32_t)((uintptr_t)tk_stack_end - (uintptr_t)word);
}

/* Every exception ends here. The stack may have overflowed: continue on a fresh one, hand over
 * the exception frame of the code that failed (its program counter is word 6). */
__attribute__((naked)) void Fault_Handler(void) {
    __asm__ volatile("mov r0, sp\n"
                     "ldr r1, =tk_stack_end\n"
                     "mov sp, r1\n"
                     "b tk_report_fault\n"
                     ".ltorg\n");
}

__attribute__((used)) void tk_report_fault(const uint32_t *frame) {
    char text[] = "harness: fault at pc 0x00000000\n";
    const uint32_t pc =
        frame >= tk_stack_start && frame + 8 <= tk_stack_end ? frame[6] : UINT32_MAX;
    for (uint32_t digit = 0; digit < 8u; digit++) {
        text[30u - digit] = "0123456789abcdef"[(pc >> (4u * digit)) & 15u];
    }
    tk_io_print(text);
    tk_io_exit(TK_EXIT_FAULT);
}
