/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the model on audio as it arrives: an interrupt hands over a block, the main loop pushes it
 * and sleeps until the next.
 *
 * The interrupt is SysTick, and what it hands over is the compiled-in clip: the stub of a
 * microphone. In a product it is that of the I2S or PDM peripheral (or of its DMA, at half and at
 * the end of the buffer), which does what board_tick does here. Its priority is above all else; the
 * model runs in the main loop alone.
 *
 * A watchdog is served in the main loop, once a block and after the results, never in an interrupt:
 * then it finds both a model that hangs and audio that has stopped. Its period is some blocks.
 */
#include "board.h"
#include "board_clip.h"
#include "board_outputs.h"
#include "board_results.h"

#define BLOCK_SAMPLES (MODEL_HOP_SAMPLES * BOARD_BLOCK_HOPS)

static model_audio instance;

/* The double buffer. `arrived` is the interrupt's, `taken` the main loop's: each writes its own. A
 * half is free again once its block is pushed. */
static int16_t halves[2][BLOCK_SAMPLES];
static uint32_t half_samples[2];
static volatile uint32_t arrived, taken;

static volatile int listening;
static volatile uint32_t heard; /* samples of the clip */

/* A block of audio is there. */
void board_tick(void) {
    if (!listening) {
        return;
    }
    const uint32_t left = BOARD_CLIP_VALUES - heard;
    const uint32_t count = left < BLOCK_SAMPLES ? left : BLOCK_SAMPLES;
    if (arrived - taken < 2u) {
        const uint32_t half = arrived % 2u;
        __builtin_memcpy(halves[half], board_clip + heard, count * sizeof halves[half][0]);
        half_samples[half] = count;
        arrived++;
    } else {
        board_results.overruns++; /* both halves are taken: the block is lost */
    }
    heard += count;
    if (heard == BOARD_CLIP_VALUES) {
        listening = 0;
    }
}

/* What the product does with a result. */
static void on_result(const model *m) {
    board_outputs_take(m);
    board_outputs_print();
}

static void require(int status) {
    if (status != MODEL_OK) {
        board_end(BOARD_MODEL_REFUSED, (uint32_t)status);
    }
}

/* Sleeps until a block is there; 0 where none will come. With interrupts off a pending one still
 * ends the sleep, so that none is missed between the look and the sleep. */
static int await_block(void) {
    for (;;) {
        __asm__ volatile("cpsid i" ::: "memory");
        const int ready = arrived != taken, over = !listening;
        if (!ready && !over) {
            __asm__ volatile("wfi" ::: "memory");
        }
        __asm__ volatile("cpsie i\n isb" ::: "memory");
        if (ready || over) {
            return ready;
        }
    }
}

int main(void) {
    board_print("board " BOARD_NAME ", real time\n");
    require(model_audio_init(&instance));
#ifdef BOARD_CLIP_LEVEL
    model_audio_set_level(&instance, board_clip, BOARD_CLIP_VALUES);
#endif
    const int counts = board_counter_start();
#ifdef BOARD_COUNTER_DWT
    board_tick_start();
#endif
    listening = 1;
    while (await_block()) {
        const uint32_t half = taken % 2u;
        const uint64_t began = board_cycles();
        require(model_push_audio(&instance, halves[half], half_samples[half]));
        const uint64_t time = board_cycles() - began;
        taken++;
        board_results.pushes++;
        board_results.cycles += time;
        if (time > board_results.cycles_worst) {
            board_results.cycles_worst = time;
        }
    }
    const uint64_t began = board_cycles();
    const int status = model_audio_finish(&instance);
    board_results.cycles_finish = board_cycles() - began;
    board_results.cycles += board_results.cycles_finish;
    require(status);
    on_result(&instance.model);
    board_print("blocks lost ");
    board_print_number(board_results.overruns, 0);
    board_print("\n");
    board_end(counts ? BOARD_DONE : BOARD_NO_COUNTER, 0);
}
