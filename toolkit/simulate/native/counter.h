/* Execution counter shared by the QEMU plugin and the Unicorn hook.
 *
 * A simulator reports every executed block of straight-line code. Counts are kept per address, not
 * per block, because simulators cut blocks differently: delta[] is the discrete derivative of the
 * execution count over the code's halfwords, taken[] counts how often the instruction that ends at
 * a halfword was followed by anything but its successor. Both start afresh whenever a block begins
 * at a marker address; what was counted until then is appended to the file as one interval.
 * Counted once more, in all: what ran from a scope's address on until the next scope or marker.
 *
 * File, little endian: per interval {u32 phase, u32 entries}, then entries of
 * {u32 halfword, u32 0, i64 delta, i64 taken, i64 of each kind of waiting}; then the same per scope
 * with {u32 SCOPE + i, ...}; at the end {u32 0xFFFFFFFF, u32 status, u32 address}. Phase 0 is
 * before any marker, phase i + 1 follows marker i.
 */
#ifndef COUNTER_H
#define COUNTER_H

#include <stdint.h>

#define COUNTER_MARKERS_MAX 8
#define COUNTER_SCOPES_MAX 1024
#define COUNTER_SCOPE 0x10000u
#define COUNTER_INTERVALS_MAX 2048

enum counter_status {
    COUNTER_OK = 0,
    COUNTER_LIMIT = 1, /* more code executed than allowed */
    COUNTER_STRAY = 2, /* a block outside the code */
    COUNTER_BROKEN = 3 /* no memory, or the file cannot be written */
};

/* Addresses where something begins. */
typedef struct {
    const uint32_t *addresses;
    uint32_t count;
} counter_places;

/* Prepares to count blocks in [low, high); at most limit_halfwords are executed in all, and there
 * are `stalls` kinds of waiting. */
enum counter_status counter_open(const char *path, uint32_t low, uint32_t high,
                                 counter_places markers, counter_places scopes,
                                 uint64_t limit_halfwords, uint32_t stalls);
/* Counts one execution of the block [start, start + size); anything but OK: stop simulating. */
enum counter_status counter_block(uint32_t start, uint32_t size);
/* How many halfwords may still be executed; to be read while another thread counts. */
uint64_t counter_remaining(void);
/* Files cycles that the instruction at `address`, in the block counted last, waited for memory. */
void counter_stall(uint32_t address, uint32_t kind, uint64_t cycles);
/* Writes the last interval and the status, and frees everything. */
enum counter_status counter_close(void);

#endif
