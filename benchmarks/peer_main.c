/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a network that microTVM generated once, in the simulators' harness
 * (benchmarks/validation.py): what its runtime asks of a platform, on microTVM's own stack
 * allocator. */
#include <stddef.h>
#include <stdint.h>

#include <tvm/runtime/crt/stack_allocator.h>

#include "tk_io.h"
#include "tvmgen_default.h"

#define MARKER(name)                                                                               \
    void name(void);                                                                               \
    __attribute__((noinline, used)) void name(void) {                                              \
        static volatile int calls;                                                                 \
        calls++;                                                                                   \
    }
MARKER(tk_phase_other)
MARKER(tk_phase_features)
MARKER(tk_phase_model)

static uint8_t workspace_bytes[WORKSPACE_SIZE] __attribute__((aligned(16)));
static tvm_workspace_t workspace;
static uint8_t input[INPUT_BYTES] __attribute__((aligned(16)));
static uint8_t output[OUTPUT_BYTES] __attribute__((aligned(16)));

void *TVMBackendAllocWorkspace(int device_type, int device_id, uint64_t bytes, int dtype_code,
                               int dtype_bits) {
    (void)device_type;
    (void)device_id;
    (void)dtype_code;
    (void)dtype_bits;
    void *pointer = NULL;
    return StackMemoryManager_Allocate(&workspace, (int32_t)bytes, &pointer) == 0 ? pointer : NULL;
}

int TVMBackendFreeWorkspace(int device_type, int device_id, void *pointer) {
    (void)device_type;
    (void)device_id;
    return (int)StackMemoryManager_Free(&workspace, pointer);
}

int main(void) {
    uint32_t state = 1;
    for (size_t i = 0; i < sizeof input; i++) {
        state = state * 1664525u + 1013904223u;
#if FLOAT_INPUT
        if (i % 4u == 3u) {
            ((float *)(void *)input)[i / 4u] = (float)(int32_t)state * 1e-8f; /* +-20 */
        }
#else
        input[i] = (uint8_t)(state >> 24);
#endif
    }
    StackMemoryManager_Init(&workspace, workspace_bytes, sizeof workspace_bytes);
    struct tvmgen_default_inputs inputs = {input};
    struct tvmgen_default_outputs outputs = {output};
    tk_phase_features(); /* there are none, the simulator looks for all three */
    tk_phase_model();
    const int32_t status = tvmgen_default_run(&inputs, &outputs);
    tk_phase_other();
    tk_io_open();
    tk_io_write(output, sizeof output);
    tk_io_exit(status == 0 ? TK_EXIT_OK : 1);
    return 0;
}
