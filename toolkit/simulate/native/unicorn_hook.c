/* Unicorn's hooks: count, and stop the emulation when the counter says so.
 *
 * UC_HOOK_BLOCK counts by blocks. Where a part's memory is modelled, UC_HOOK_CODE counts by
 * instructions instead, with UC_HOOK_MEM_READ behind it: what is fetched and read in its order.
 * Unicorn's own library is not linked: the caller passes the address of its uc_emu_stop.
 */
#include "counter.h"
#include "memory.h"

typedef int (*stop_function)(void *engine);

void unicorn_hook_block(void *engine, uint64_t address, uint32_t size, void *user_data);
void unicorn_hook_code(void *engine, uint64_t address, uint32_t size, void *user_data);
void unicorn_hook_read(void *engine, int type, uint64_t address, int size, int64_t value,
                       void *user_data);

void unicorn_hook_block(void *engine, uint64_t address, uint32_t size, void *user_data) {
    if (counter_block((uint32_t)address, size) != COUNTER_OK) {
        const stop_function stop = *(const stop_function *)user_data;
        stop(engine);
    }
}

void unicorn_hook_code(void *engine, uint64_t address, uint32_t size, void *user_data) {
    if (counter_block((uint32_t)address, size) != COUNTER_OK) {
        const stop_function stop = *(const stop_function *)user_data;
        stop(engine);
    } else {
        memory_fetch((uint32_t)address, size);
    }
}

void unicorn_hook_read(void *engine, int type, uint64_t address, int size, int64_t value,
                       void *user_data) {
    (void)engine;
    (void)type;
    (void)value;
    (void)user_data;
    memory_read((uint32_t)address, (uint32_t)size);
}
