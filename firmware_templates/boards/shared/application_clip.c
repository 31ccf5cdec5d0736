/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the model once on the compiled-in clip; prints what came out and how long it took.
 *
 * Replace the loop over board_clip by your microphone's buffer: model_push_audio takes blocks of
 * any size.
 */
#include "board.h"
#include "board_clip.h"
#include "board_outputs.h"
#include "board_results.h"

#ifdef BOARD_FEEDS_AUDIO
static model_audio instance;
#define THE_MODEL (&instance.model)
#else
static model instance;
#define THE_MODEL (&instance)
#endif

static void require(int status) {
    if (status != MODEL_OK) {
        board_print("the model refuses: ");
        board_print_number(status, 0);
        board_print("\n");
        board_end(BOARD_MODEL_REFUSED, (uint32_t)status);
    }
}

static uint64_t began;

static void clock_in(void) {
    began = board_cycles();
}

static uint64_t clock_out(void) {
    const uint64_t taken = board_cycles() - began;
    board_results.cycles += taken;
    return taken;
}

static void pushed(void) {
    const uint64_t taken = clock_out();
    board_results.pushes++;
    if (taken > board_results.cycles_worst) {
        board_results.cycles_worst = taken;
    }
}

#if defined(BOARD_FEEDS_AUDIO)

static void run(void) {
    require(model_audio_init(&instance));
#ifdef BOARD_CLIP_LEVEL
    model_audio_set_level(&instance, board_clip, BOARD_CLIP_VALUES);
#endif
    for (uint32_t at = 0; at < BOARD_CLIP_VALUES; at += MODEL_HOP_SAMPLES) {
        const uint32_t left = BOARD_CLIP_VALUES - at;
        clock_in();
        const int status = model_push_audio(&instance, board_clip + at,
                                            left < MODEL_HOP_SAMPLES ? left : MODEL_HOP_SAMPLES);
        pushed();
        require(status);
    }
    clock_in();
    const int status = model_audio_finish(&instance);
    board_results.cycles_finish = clock_out();
    require(status);
}

#elif defined(BOARD_FEEDS_FRAMES)

static void run(void) {
    require(model_init(&instance));
    for (uint32_t at = 0; at < BOARD_CLIP_VALUES; at += MODEL_FRAME_BYTES) {
        clock_in();
        const int status = model_push_frame(&instance, (const void *)(board_clip + at));
        pushed();
        require(status);
    }
    clock_in();
    const int status = model_finish(&instance);
    board_results.cycles_finish = clock_out();
    require(status);
}

#else

static void run(void) {
    require(model_init(&instance));
    uint32_t at = 0;
    for (uint32_t index = 0; index < MODEL_INPUTS; index++) {
        __builtin_memcpy(model_input(&instance, index), board_clip + at, model_input_bytes[index]);
        at += model_input_bytes[index];
    }
    clock_in();
    model_invoke(&instance);
    pushed();
}

#endif

int main(void) {
    board_print("board " BOARD_NAME "\n");
    const int counts = board_counter_start();
    run();
    board_outputs_take(THE_MODEL);
    board_outputs_print();
    if (!counts) {
        board_print("the cycle counter does not advance\n");
        board_end(BOARD_NO_COUNTER, 0);
    }
    board_print("cycles ");
    board_print_number((int64_t)board_results.cycles, 0);
    board_print("\nmilliseconds ");
    board_print_number((int64_t)(board_results.cycles * 1000000u / BOARD_CLOCK_HZ), 3);
    board_print("\n");
    board_end(BOARD_DONE, 0);
}
