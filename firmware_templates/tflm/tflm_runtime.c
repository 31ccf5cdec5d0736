/* SPDX-License-Identifier: Apache-2.0 */
/* What TFLM asks of the system under the test harness: how a program ends that cannot go on.
 *
 * A firmware with a C and C++ library of its own has both, and leaves this file out.
 */
#include "tk_io.h"

void abort(void);
void __cxa_pure_virtual(void);

static void stop(const char *message) {
    tk_io_print(message);
    tk_io_exit(TK_EXIT_PROTOCOL);
}

void abort(void) {
    stop("tflm: abort\n");
}

void __cxa_pure_virtual(void) {
    stop("tflm: a pure virtual function was called\n");
}
