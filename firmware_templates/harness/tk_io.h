/* SPDX-License-Identifier: Apache-2.0 */
/* What the test harness (main.c) needs of the machine it runs on.
 *
 * Two implementations: tk_io_semihosting.c on the target core, tk_io_host.c on a workstation.
 * Every function either succeeds or ends the program with one of the codes below.
 */
#ifndef TK_IO_H
#define TK_IO_H

#include <stddef.h>
#include <stdint.h>

enum {
    TK_EXIT_OK = 0,
    TK_EXIT_PROTOCOL = 2, /* input.bin is not what the harness expects */
    TK_EXIT_FILE = 3,     /* a file could not be opened, read or written */
    TK_EXIT_FAULT = 4     /* processor fault, see the message before it */
};

/* Places a buffer that only the harness needs outside the firmware's own RAM. */
#if defined(__arm__)
#define TK_HARNESS __attribute__((section(".bss.harness")))
#else
#define TK_HARNESS
#endif

/* Opens input.bin for reading and output.bin for writing, in the current directory. */
void tk_io_open(void);
/* Reads exactly size bytes of input.bin. */
void tk_io_read(void *destination, size_t size);
/* Appends size bytes to output.bin. */
void tk_io_write(const void *source, size_t size);
/* Prints a zero-terminated text on the simulator's console. */
void tk_io_print(const char *text);
/* Closes the files and ends the program. */
void tk_io_exit(int code);
/* Most stack used so far, in bytes, from the painted pattern; 0 where nothing was painted. */
uint32_t tk_io_stack_painted_bytes(void);

#endif
