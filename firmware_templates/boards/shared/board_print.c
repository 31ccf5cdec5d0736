/* SPDX-License-Identifier: Apache-2.0 */
/* Printed text: into a ring in RAM that debug probes read while the program runs, and out by the
 * board's console.
 *
 * The ring has the layout of SEGGER's RTT control block ("RTT Knowledge Base: Real Time Transfer",
 * one buffer upwards), so that J-Link's RTT viewer, `pyocd rtt` and openocd's `rtt` find it.
 */
#include "board.h"

#define RING_BYTES 1024u

typedef struct {
    const char *name;
    char *buffer;
    uint32_t size_bytes;
    volatile uint32_t written;
    volatile uint32_t read;
    uint32_t flags; /* 0: text that finds no room is dropped, nothing waits */
} ring_buffer;

typedef struct {
    char identifier[16];
    int32_t buffers_up;
    int32_t buffers_down;
    ring_buffer up;
} ring_block;

static char ring[RING_BYTES];
ring_block board_ring;
static int ring_stands;

/* The identifier is put together here: nowhere else may a probe find it. */
static void begin(void) {
    static const char reversed[] = "TTR REGGES";
    board_ring.buffers_up = 1;
    board_ring.up.name = "Terminal";
    board_ring.up.buffer = ring;
    board_ring.up.size_bytes = RING_BYTES;
    for (uint32_t index = 0; index < sizeof reversed - 1u; index++) {
        ((volatile char *)board_ring.identifier)[index] = reversed[sizeof reversed - 2u - index];
    }
    ring_stands = 1;
}

static void put(char character) {
    if (!ring_stands) {
        begin();
    }
    const uint32_t at = board_ring.up.written;
    const uint32_t next = (at + 1u) % RING_BYTES;
    if (next != board_ring.up.read) {
        ring[at] = character;
        board_ring.up.written = next;
    }
    board_console_put(character);
}

void board_print(const char *text) {
    for (; *text != '\0'; text++) {
        put(*text);
    }
}

/* A decimal number that has `decimals` digits behind the point: 1234 with 3 is 1.234. */
void board_print_number(int64_t value, uint32_t decimals) {
    char digits[24];
    uint32_t count = 0;
    uint64_t rest = value < 0 ? 0u - (uint64_t)value : (uint64_t)value;
    do {
        digits[count++] = (char)('0' + (char)(rest % 10u));
        rest /= 10u;
    } while ((rest != 0 || count <= decimals) && count < sizeof digits - 1u);
    if (value < 0) {
        put('-');
    }
    while (count != 0) {
        put(digits[--count]);
        if (count == decimals && decimals != 0) {
            put('.');
        }
    }
}
