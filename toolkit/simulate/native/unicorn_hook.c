/* Unicorn's hooks: count, and stop the emulation when the counter says so.
 *
 * UC_HOOK_BLOCK counts by blocks. Where a part's memory is modelled, UC_HOOK_CODE counts by
 * instructions instead, with UC_HOOK_MEM_READ behind it: what is fetched and read in its order.
 * Unicorn's own library is not linked: the caller passes the addresses of what is used of it.
 */
#include "counter.h"
#include "memory.h"

typedef int (*stop_function)(void *engine);
typedef int (*register_function)(void *engine, int which, void *value);

/* What a hook gets as its user data. `code` are the bytes from `low` on. */
typedef struct {
    stop_function stop;
    register_function read;
    register_function write;
    int32_t xpsr;
    uint32_t low;
    const uint16_t *code;
} unicorn_calls;

/* Before a run by instructions. */
void unicorn_hook_open(void);
void unicorn_hook_block(void *engine, uint64_t address, uint32_t size, void *user_data);
void unicorn_hook_code(void *engine, uint64_t address, uint32_t size, void *user_data);
void unicorn_hook_read(void *engine, int type, uint64_t address, int size, int64_t value,
                       void *user_data);

#define IT_STATE 0x0600FC00u /* bits of XPSR */

static uint32_t governed_left; /* instructions under the last IT instruction, still to come */
static int conditional;        /* the last instruction was one of them */
static uint32_t next;          /* where the last instruction ended */

/* How many instructions an IT instruction governs; 0 for any other. */
static uint32_t governed(uint16_t instruction) {
    if ((instruction & 0xFF00u) != 0xBF00u || (instruction & 0xFu) == 0u) {
        return 0;
    }
    uint32_t count = 4;
    for (uint32_t mask = instruction & 0xFu; (mask & 1u) == 0u; mask >>= 1) {
        count--;
    }
    return count;
}

void unicorn_hook_block(void *engine, uint64_t address, uint32_t size, void *user_data) {
    if (counter_block((uint32_t)address, size) != COUNTER_OK) {
        const unicorn_calls *calls = user_data;
        calls->stop(engine);
    }
}

/* Counts an instruction, executed or skipped under its condition; whether to go on. */
static int count(const unicorn_calls *calls, uint32_t address, uint32_t size) {
    if (counter_block(address, size) != COUNTER_OK) {
        return 0;
    }
    const uint32_t under = governed(calls->code[(address - calls->low) / 2u]);
    conditional = governed_left > 0u;
    governed_left = under > 0u ? under : governed_left - (uint32_t)conditional;
    next = address + size;
    memory_fetch(address, size);
    return 1;
}

void unicorn_hook_open(void) {
    governed_left = 0;
    conditional = 0;
}

/* Unicorn calls for what is executed; what an IT instruction skips is fetched and counted too. */
void unicorn_hook_code(void *engine, uint64_t address, uint32_t size, void *user_data) {
    const unicorn_calls *calls = user_data;
    int going_on = 1;
    while (going_on && governed_left > 0u && next < address) {
        const uint16_t first = calls->code[(next - calls->low) / 2u];
        going_on = count(calls, next, first >> 11 >= 0x1Du ? 4u : 2u);
    }
    if (!going_on || !count(calls, (uint32_t)address, size)) {
        calls->stop(engine);
    }
}

/* Unicorn 2.1 files the state of an IT block with the processor where a load in it is hooked, and
 * lets it stand: what runs after the block would run under its condition. Take it back. */
static void leave_it_state(void *engine, const unicorn_calls *calls) {
    uint32_t status = 0;
    calls->read(engine, calls->xpsr, &status);
    status &= ~IT_STATE;
    calls->write(engine, calls->xpsr, &status);
}

void unicorn_hook_read(void *engine, int type, uint64_t address, int size, int64_t value,
                       void *user_data) {
    (void)type;
    (void)value;
    memory_read((uint32_t)address, (uint32_t)size);
    if (conditional) {
        leave_it_state(engine, user_data);
    }
}
