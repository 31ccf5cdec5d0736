/* SPDX-License-Identifier: Apache-2.0 */
/* Harness input and output on a workstation: ordinary files in the current directory. */
#include "tk_io.h"

#include <stdio.h>
#include <stdlib.h>

static FILE *input;
static FILE *output;

static void fail(const char *message) {
    fputs(message, stderr);
    exit(TK_EXIT_FILE);
}

void tk_io_open(void) {
    input = fopen("input.bin", "rb");
    output = fopen("output.bin", "wb");
    if (input == NULL || output == NULL) {
        fail("harness: cannot open input.bin or output.bin\n");
    }
}

void tk_io_read(void *destination, size_t size) {
    if (fread(destination, 1, size, input) != size) {
        fail("harness: input.bin is too short\n");
    }
}

void tk_io_write(const void *source, size_t size) {
    if (fwrite(source, 1, size, output) != size) {
        fail("harness: cannot write output.bin\n");
    }
}

void tk_io_print(const char *text) {
    fputs(text, stdout);
}

void tk_io_exit(int code) {
    if (fclose(output) != 0) {
        fail("harness: cannot write output.bin\n");
    }
    exit(code);
}

uint32_t tk_io_stack_painted_bytes(void) {
    return 0;
}
