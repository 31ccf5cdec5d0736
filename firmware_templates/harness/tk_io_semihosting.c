/* SPDX-License-Identifier: Apache-2.0 */
/* Harness input and output on an Arm M-profile core through semihosting (BKPT 0xAB).
 *
 * Operation numbers and parameter blocks: Arm "Semihosting for AArch32 and AArch64", sections 6
 * and 7.
 */
#include "tk_io.h"

enum { SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_READ = 0x06 };
enum { SYS_EXIT_EXTENDED = 0x20 };
enum { OPEN_READ_BINARY = 1, OPEN_WRITE_BINARY = 5 };
#define APPLICATION_EXIT 0x20026u

TK_HARNESS static uint32_t input;
TK_HARNESS static uint32_t output;

static uint32_t semihosting(uint32_t operation, const void *parameter) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = parameter;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void fail(const char *message) {
    tk_io_print(message);
    tk_io_exit(TK_EXIT_FILE);
}

static uint32_t open_file(const char *name, uint32_t length, uint32_t mode) {
    const uint32_t block[3] = {(uint32_t)name, mode, length};
    const uint32_t handle = semihosting(SYS_OPEN, block);
    if (handle == UINT32_MAX) {
        fail("harness: cannot open input.bin or output.bin\n");
    }
    return handle;
}

void tk_io_open(void) {
    input = open_file("input.bin", 9, OPEN_READ_BINARY);
    output = open_file("output.bin", 10, OPEN_WRITE_BINARY);
}

void tk_io_read(void *destination, size_t size) {
    const uint32_t block[3] = {input, (uint32_t)destination, size};
    if (size != 0 && semihosting(SYS_READ, block) != 0) {
        fail("harness: input.bin is too short\n");
    }
}

void tk_io_write(const void *source, size_t size) {
    const uint32_t block[3] = {output, (uint32_t)source, size};
    if (size != 0 && semihosting(SYS_WRITE, block) != 0) {
        fail("harness: cannot write output.bin\n");
    }
}

void tk_io_print(const char *text) {
    semihosting(SYS_WRITE0, text);
}

void tk_io_exit(int code) {
    if (code == TK_EXIT_OK) {
        semihosting(SYS_CLOSE, &output);
    }
    const uint32_t block[2] = {APPLICATION_EXIT, (uint32_t)code};
    semihosting(SYS_EXIT_EXTENDED, block);
    for (;;) {
    }
}
