/* How long a part's memory keeps the core waiting, under several settings at once.
 *
 * The core's clock runs as its timing table says; a caller tells what it fetches and reads. Code
 * and constants lie in a slow memory that brings `width` bytes a read; what lies elsewhere answers
 * at once. One read is under way at a time. What the last fetch brought stays at hand; in front of
 * that are the caches, least recently used line out, whose lines fill read by read. With prefetch,
 * each read for a fetch starts the one behind it, where no cache has that.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdint.h>

#define MEMORY_SETTINGS_MAX 8

typedef struct {
    uint32_t sets; /* 0: no cache */
    uint32_t ways;
    uint32_t line_bytes;
} memory_cache;

typedef struct {
    uint32_t wait_states;
    uint32_t width;
    uint32_t prefetch;
    uint32_t shared; /* data lies in the cache of instructions */
    memory_cache instructions;
    memory_cache data;
} memory_setting;

/* Cycles of the instruction at an address by the core's table, taken branches excluded; `previous`
 * is the address of the one that it followed in a straight line, UINT32_MAX where it did not. */
typedef uint32_t (*memory_cycles)(uint32_t address, uint32_t previous);

/* Code lies in [code_low, code_high), the slow memory in [low, high) but for [fast_low, fast_high);
 * 0 where there is no room. */
int memory_open(const memory_setting *settings, uint32_t count, uint32_t low, uint32_t high,
                uint32_t fast_low, uint32_t fast_high, uint32_t code_low, uint32_t code_high,
                uint32_t taken_branch, memory_cycles cycles);
/* An instruction of `size` bytes begins; what it waits for is filed with counter_stall. */
void memory_fetch(uint32_t address, uint32_t size);
/* The instruction that began last loads `size` bytes. */
void memory_read(uint32_t address, uint32_t size);
void memory_close(void);

#endif
