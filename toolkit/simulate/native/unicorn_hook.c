/* Unicorn block hook (UC_HOOK_BLOCK): counts, and stops the emulation when the counter says so.
 *
 * Unicorn's own library is not linked: the caller passes the address of its uc_emu_stop.
 */
#include "counter.h"

typedef int (*stop_function)(void *engine);

void unicorn_hook_block(void *engine, uint64_t address, uint32_t size, void *user_data);

void unicorn_hook_block(void *engine, uint64_t address, uint32_t size, void *user_data) {
    if (counter_block((uint32_t)address, size) != COUNTER_OK) {
        const stop_function stop = *(const stop_function *)user_data;
        stop(engine);
    }
}
