/* SPDX-License-Identifier: LicenseRef-Model
 * The weights belong to the owner of the model, who says what may be done with them. */
/* Generated, do not edit.  The model's constants, 39888 B; equal ones are stored once.
 *
 * They are one image in a section of its own, .rodata.wav2small_weights.  A field update may replace it
 * by the image of another build of equal layout, for which all else is the same, scales and zero
 * points included: wav2small_init refuses any other, and one whose words have changed.
 */
#ifndef WAV2SMALL_WEIGHTS_H
#define WAV2SMALL_WEIGHTS_H

#include "tk_weights_2799adbb.h"

/* Stands for all code and tables of this library. */
#define WAV2SMALL_WEIGHTS_LAYOUT 0xA85F5AEEu
/* Words behind the head. */
#define WAV2SMALL_WEIGHTS_WORDS 9972u

typedef struct {
    tk_2799adbb_weights_head head;
    union {
        uint32_t words[117];
        uint32_t values[117];
    } vgg7_l1_Relu_output_0_stream;
    union {
        uint32_t words[1456];
        int32_t values[1456];
    } vgg7_l2_Relu_output_0_tiles_weights;
    union {
        uint32_t words[52];
        int32_t values[52];
    } vgg7_l2_Relu_output_0_tiles_channels;
    union {
        uint32_t words[1456];
        int32_t values[1456];
    } vgg7_l3_Relu_output_0_tiles_weights;
    union {
        uint32_t words[52];
        int32_t values[52];
    } vgg7_l3_Relu_output_0_tiles_channels;
    union {
        uint32_t words[1456];
        int32_t values[1456];
    } vgg7_l4_Relu_output_0_tiles_weights;
    union {
        uint32_t words[52];
        int32_t values[52];
    } vgg7_l4_Relu_output_0_tiles_channels;
    union {
        uint32_t words[1456];
        int32_t values[1456];
    } vgg7_l5_Relu_output_0_tiles_weights;
    union {
        uint32_t words[52];
        int32_t values[52];
    } vgg7_l5_Relu_output_0_tiles_channels;
    union {
        uint32_t words[1456];
        int32_t values[1456];
    } vgg7_l6_Relu_output_0_tiles_weights;
    union {
        uint32_t words[52];
        int32_t values[52];
    } vgg7_l6_Relu_output_0_tiles_channels;
    union {
        uint32_t words[1456];
        int32_t values[1456];
    } vgg7_l7_Relu_output_0_tiles_weights;
    union {
        uint32_t words[52];
        int32_t values[52];
    } vgg7_l7_Relu_output_0_tiles_channels;
    union {
        uint32_t words[143];
        uint32_t values[143];
    } vgg7_sof_Conv_output_0_stream;
    union {
        uint32_t words[143];
        uint32_t values[143];
    } vgg7_lin_Conv_output_0_stream;
    union {
        uint32_t words[256];
        uint32_t values[256];
    } vgg7_ReduceSum_output_0_table;
    union {
        uint32_t words[4];
        int32_t values[4];
    } Concat_output_0_block_bytes;
    union {
        uint32_t words[255];
        uint32_t values[255];
    } adv_int16_weights;
    union {
        uint32_t words[6];
        int32_t values[6];
    } adv_int16_requantize;
} wav2small_weights_image;

extern const wav2small_weights_image wav2small_weights;

#endif
