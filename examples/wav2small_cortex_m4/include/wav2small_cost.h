/* SPDX-License-Identifier: Apache-2.0 */
/* What calls cost on cortex-m4 at 64 MHz; other parts, clocks and compilers differ.
 *
 * simulated: instruction counts x Cortex-M4 table (Arm Cortex-M4 TRM timing table; no flash
 * wait states, aligned accesses, taken branch +2, divide at its longest); zero-wait memory;
 * the first 499 frames, features included
 * simulated: instruction counts x Cortex-M4 table (Arm Cortex-M4 TRM timing table; no flash
 * wait states, aligned accesses, taken branch +2, divide at its longest); zero-wait memory
 * simulated: frame by frame at 64 MHz, one arriving every hop
 * measured: ELF: deepest call chain, ending wav2small_step _
 * wav2small_vgg7_maxpool_MaxPool_output_0_stage _ tk_max_pool_2d_s8_row
 */
#ifndef WAV2SMALL_COST_H
#define WAV2SMALL_COST_H

#define WAV2SMALL_COST_TARGET "cortex-m4"
#define WAV2SMALL_COST_CLOCK_HZ 64000000u

/* cycles of a frame on average, features included, simulated. */
#define WAV2SMALL_FRAME_CYCLES_MEAN 112811u

/* cycles of the dearest frame, features included, simulated. */
#define WAV2SMALL_FRAME_CYCLES_WORST 295842u

/* cycles of wav2small_finish, simulated. */
#define WAV2SMALL_FINISH_CYCLES 1067668u

/* frames that the input must buffer, simulated. */
#define WAV2SMALL_INPUT_BUFFER_FRAMES 3u

/* bytes of stack, those of the test harness among them, measured. */
#define WAV2SMALL_STACK_BYTES 412u

#endif
