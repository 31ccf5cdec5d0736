/* SPDX-License-Identifier: Apache-2.0 */
/* Generated for cortex-m4, do not edit; include/wav2small.h says from what.
 *
 * state    18384 B: 18328 B of buffers, 12 row counters
 */
#include "wav2small.h"

#include <stddef.h>

#include "wav2small_weights.h"
#include "tk_compiler_5530835e.h"
#include "tk_stream_563db406.h"
#include "tk_weights_2799adbb.h"
#include "tk_attention_pool_s8_s16_d6a46b48.h"
#include "tk_batch_matmul_s16_a613df82.h"
#include "tk_concatenation_713a21d0.h"
#include "tk_conv_2d_s8_short_2f069725.h"
#include "tk_conv_2d_s8_winograd2_96e925dd.h"
#include "tk_fully_connected_s16_dsp_38549adb.h"
#include "tk_max_pool_2d_s8_6c960a5e.h"
#include "tk_quantize_s16_s8_bfbd5baa.h"

/* Counters of rows: of the input, then of every stage. */
enum {
    wav2small_input_rows,
    wav2small_vgg7_l1_Relu_output_0_rows,
    wav2small_vgg7_l2_Relu_output_0_rows,
    wav2small_vgg7_l3_Relu_output_0_rows,
    wav2small_vgg7_maxpool_MaxPool_output_0_rows,
    wav2small_vgg7_l4_Relu_output_0_rows,
    wav2small_vgg7_l5_Relu_output_0_rows,
    wav2small_vgg7_l6_Relu_output_0_rows,
    wav2small_vgg7_l7_Relu_output_0_rows,
    wav2small_vgg7_sof_Conv_output_0_rows,
    wav2small_vgg7_lin_Conv_output_0_rows,
    wav2small_vgg7_ReduceSum_output_0_rows,
    ROW_COUNTERS
};

/* Refused by the compiler when the planned state size is not the real one. */
typedef char wav2small_state_bytes_check[sizeof(wav2small) == WAV2SMALL_STATE_BYTES ? 1 : -1];

const uint32_t wav2small_output_bytes[WAV2SMALL_OUTPUTS] = {3};

static const uint32_t wav2small_output_offset[WAV2SMALL_OUTPUTS] = {0};

/* Where the rows of each counter lie. */
static const tk_563db406_stream_ring wav2small_rings[ROW_COUNTERS] = {
    [wav2small_input_rows] = {18248, 3, 26}, /* features */
    [wav2small_vgg7_l1_Relu_output_0_rows] = {12656, 4, 338}, /* /vgg7/l1/Relu_output_0 */
    [wav2small_vgg7_l2_Relu_output_0_rows] = {10960, 5, 338}, /* /vgg7/l2/Relu_output_0 */
    [wav2small_vgg7_l3_Relu_output_0_rows] = {14008, 3, 338}, /* /vgg7/l3/Relu_output_0 */
    [wav2small_vgg7_maxpool_MaxPool_output_0_rows] = {17568, 4, 169}, /* /vgg7/maxpool/MaxPool_output_0 */
    [wav2small_vgg7_l4_Relu_output_0_rows] = {15024, 5, 169}, /* /vgg7/l4/Relu_output_0 */
    [wav2small_vgg7_l5_Relu_output_0_rows] = {15872, 5, 169}, /* /vgg7/l5/Relu_output_0 */
    [wav2small_vgg7_l6_Relu_output_0_rows] = {16720, 5, 169}, /* /vgg7/l6/Relu_output_0 */
    [wav2small_vgg7_l7_Relu_output_0_rows] = {6912, 2, 169}, /* /vgg7/l7/Relu_output_0 */
    [wav2small_vgg7_sof_Conv_output_0_rows] = {0, 2, 169}, /* /vgg7/sof/Conv_output_0 */
    [wav2small_vgg7_lin_Conv_output_0_rows] = {344, 2, 169}, /* /vgg7/lin/Conv_output_0 */
    [wav2small_vgg7_ReduceSum_output_0_rows] = {0, 1, 0}, /* /vgg7/ReduceSum_output_0 */
};

/* Rows in a clip that has not ended. */
static const uint32_t wav2small_endless[ROW_COUNTERS] = {
    [wav2small_input_rows] = UINT32_MAX,
    [wav2small_vgg7_l1_Relu_output_0_rows] = UINT32_MAX,
    [wav2small_vgg7_l2_Relu_output_0_rows] = UINT32_MAX,
    [wav2small_vgg7_l3_Relu_output_0_rows] = UINT32_MAX,
    [wav2small_vgg7_maxpool_MaxPool_output_0_rows] = UINT32_MAX,
    [wav2small_vgg7_l4_Relu_output_0_rows] = UINT32_MAX,
    [wav2small_vgg7_l5_Relu_output_0_rows] = UINT32_MAX,
    [wav2small_vgg7_l6_Relu_output_0_rows] = UINT32_MAX,
    [wav2small_vgg7_l7_Relu_output_0_rows] = UINT32_MAX,
    [wav2small_vgg7_sof_Conv_output_0_rows] = UINT32_MAX,
    [wav2small_vgg7_lin_Conv_output_0_rows] = UINT32_MAX,
    [wav2small_vgg7_ReduceSum_output_0_rows] = UINT32_MAX,
};

/* The stages, by the counters of their rows; the input has none. */
static const tk_563db406_stream_stage wav2small_stages[ROW_COUNTERS] = {
    [wav2small_vgg7_l1_Relu_output_0_rows] = {
        .window = {.taps = 3, .stride = 1, .dilation = 1, .top = 1},
        .rows = wav2small_vgg7_l1_Relu_output_0_rows,
        .group = 1,
        .inputs = (const uint16_t[]){wav2small_input_rows},
        .input_count = 1,
    },
    [wav2small_vgg7_l2_Relu_output_0_rows] = {
        .window = {.taps = 4, .stride = 1, .dilation = 1, .top = 1},
        .rows = wav2small_vgg7_l2_Relu_output_0_rows,
        .group = 2,
        .inputs = (const uint16_t[]){wav2small_vgg7_l1_Relu_output_0_rows},
        .input_count = 1,
    },
    [wav2small_vgg7_l3_Relu_output_0_rows] = {
        .window = {.taps = 4, .stride = 1, .dilation = 1, .top = 1},
        .rows = wav2small_vgg7_l3_Relu_output_0_rows,
        .group = 2,
        .inputs = (const uint16_t[]){wav2small_vgg7_l2_Relu_output_0_rows},
        .input_count = 1,
    },
    [wav2small_vgg7_maxpool_MaxPool_output_0_rows] = {
        .window = {.taps = 3, .stride = 2, .dilation = 1, .top = 1},
        .rows = wav2small_vgg7_maxpool_MaxPool_output_0_rows,
        .group = 1,
        .inputs = (const uint16_t[]){wav2small_vgg7_l3_Relu_output_0_rows},
        .input_count = 1,
    },
    [wav2small_vgg7_l4_Relu_output_0_rows] = {
        .window = {.taps = 4, .stride = 1, .dilation = 1, .top = 1},
        .rows = wav2small_vgg7_l4_Relu_output_0_rows,
        .group = 2,
        .inputs = (const uint16_t[]){wav2small_vgg7_maxpool_MaxPool_output_0_rows},
        .input_count = 1,
    },
    [wav2small_vgg7_l5_Relu_output_0_rows] = {
        .window = {.taps = 4, .stride = 1, .dilation = 1, .top = 1},
        .rows = wav2small_vgg7_l5_Relu_output_0_rows,
        .group = 2,
        .inputs = (const uint16_t[]){wav2small_vgg7_l4_Relu_output_0_rows},
        .input_count = 1,
    },
    [wav2small_vgg7_l6_Relu_output_0_rows] = {
        .window = {.taps = 4, .stride = 1, .dilation = 1, .top = 1},
        .rows = wav2small_vgg7_l6_Relu_output_0_rows,
        .group = 2,
        .inputs = (const uint16_t[]){wav2small_vgg7_l5_Relu_output_0_rows},
        .input_count = 1,
    },
    [wav2small_vgg7_l7_Relu_output_0_rows] = {
        .window = {.taps = 4, .stride = 1, .dilation = 1, .top = 1},
        .rows = wav2small_vgg7_l7_Relu_output_0_rows,
        .group = 2,
        .inputs = (const uint16_t[]){wav2small_vgg7_l6_Relu_output_0_rows},
        .input_count = 1,
    },
    [wav2small_vgg7_sof_Conv_output_0_rows] = {
        .window = {.taps = 1, .stride = 1, .dilation = 1, .top = 0},
        .rows = wav2small_vgg7_sof_Conv_output_0_rows,
        .group = 1,
        .inputs = (const uint16_t[]){wav2small_vgg7_l7_Relu_output_0_rows},
        .input_count = 1,
    },
    [wav2small_vgg7_lin_Conv_output_0_rows] = {
        .window = {.taps = 1, .stride = 1, .dilation = 1, .top = 0},
        .rows = wav2small_vgg7_lin_Conv_output_0_rows,
        .group = 1,
        .inputs = (const uint16_t[]){wav2small_vgg7_l7_Relu_output_0_rows},
        .input_count = 1,
    },
    [wav2small_vgg7_ReduceSum_output_0_rows] = {
        .window = {.taps = 1, .stride = 1, .dilation = 1, .top = 0},
        .rows = wav2small_vgg7_ReduceSum_output_0_rows,
        .group = 1,
        .inputs = (const uint16_t[]){wav2small_vgg7_lin_Conv_output_0_rows, wav2small_vgg7_sof_Conv_output_0_rows},
        .input_count = 2,
    },
};

static const tk_2f069725_conv_2d_s8_short_params wav2small_vgg7_l1_Relu_output_0_params = {
    .in_h = 3,
    .in_w = 26,
    .in_c = 1,
    .out_h = 1,
    .out_w = 26,
    .out_c = 13,
    .kernel_h = 3,
    .kernel_w = 3,
    .stride_h = 1,
    .stride_w = 1,
    .dilation_h = 1,
    .dilation_w = 1,
    .pad_top = 0,
    .pad_left = 1,
    .in_zero_point = 76,
    .out_zero_point = -128,
    .out_min = -128,
    .out_max = 127,
    .pairs = 5,
    .threes_words = 108,
    .stream_words = 117,
    .stream = wav2small_weights.vgg7_l1_Relu_output_0_stream.values,
};

static const tk_96e925dd_conv_2d_s8_winograd2_params wav2small_vgg7_l2_Relu_output_0_params = {
    .tiles.out_w = 26,
    .tiles.in_c = 13,
    .tiles.out_c = 13,
    .tiles.out_min = -128,
    .tiles.out_max = 127,
    .tiles.rectified = 1,
    .tiles.weights = wav2small_weights.vgg7_l2_Relu_output_0_tiles_weights.values,
    .tiles.channels = wav2small_weights.vgg7_l2_Relu_output_0_tiles_channels.values,
    .in_h = 3,
    .in_w = 26,
    .out_h = 1,
    .pad_top = 0,
    .right = 1,
    .in_zero_point = -128,
};

static const tk_96e925dd_conv_2d_s8_winograd2_params wav2small_vgg7_l3_Relu_output_0_params = {
    .tiles.out_w = 26,
    .tiles.in_c = 13,
    .tiles.out_c = 13,
    .tiles.out_min = -128,
    .tiles.out_max = 127,
    .tiles.rectified = 1,
    .tiles.weights = wav2small_weights.vgg7_l3_Relu_output_0_tiles_weights.values,
    .tiles.channels = wav2small_weights.vgg7_l3_Relu_output_0_tiles_channels.values,
    .in_h = 3,
    .in_w = 26,
    .out_h = 1,
    .pad_top = 0,
    .right = 1,
    .in_zero_point = -128,
};

static const tk_6c960a5e_max_pool_2d_s8_params wav2small_vgg7_maxpool_MaxPool_output_0_params = {
    .in_h = 3,
    .in_w = 26,
    .channels = 13,
    .out_h = 1,
    .out_w = 13,
    .kernel_h = 3,
    .kernel_w = 3,
    .stride_h = 2,
    .stride_w = 2,
    .pad_top = 0,
    .pad_left = 1,
    .out_min = -128,
    .out_max = 127,
};

static const tk_96e925dd_conv_2d_s8_winograd2_params wav2small_vgg7_l4_Relu_output_0_params = {
    .tiles.out_w = 13,
    .tiles.in_c = 13,
    .tiles.out_c = 13,
    .tiles.out_min = -128,
    .tiles.out_max = 127,
    .tiles.rectified = 1,
    .tiles.weights = wav2small_weights.vgg7_l4_Relu_output_0_tiles_weights.values,
    .tiles.channels = wav2small_weights.vgg7_l4_Relu_output_0_tiles_channels.values,
    .in_h = 3,
    .in_w = 13,
    .out_h = 1,
    .pad_top = 0,
    .right = 2,
    .in_zero_point = -128,
};

static const tk_96e925dd_conv_2d_s8_winograd2_params wav2small_vgg7_l5_Relu_output_0_params = {
    .tiles.out_w = 13,
    .tiles.in_c = 13,
    .tiles.out_c = 13,
    .tiles.out_min = -128,
    .tiles.out_max = 127,
    .tiles.rectified = 1,
    .tiles.weights = wav2small_weights.vgg7_l5_Relu_output_0_tiles_weights.values,
    .tiles.channels = wav2small_weights.vgg7_l5_Relu_output_0_tiles_channels.values,
    .in_h = 3,
    .in_w = 13,
    .out_h = 1,
    .pad_top = 0,
    .right = 2,
    .in_zero_point = -128,
};

static const tk_96e925dd_conv_2d_s8_winograd2_params wav2small_vgg7_l6_Relu_output_0_params = {
    .tiles.out_w = 13,
    .tiles.in_c = 13,
    .tiles.out_c = 13,
    .tiles.out_min = -128,
    .tiles.out_max = 127,
    .tiles.rectified = 1,
    .tiles.weights = wav2small_weights.vgg7_l6_Relu_output_0_tiles_weights.values,
    .tiles.channels = wav2small_weights.vgg7_l6_Relu_output_0_tiles_channels.values,
    .in_h = 3,
    .in_w = 13,
    .out_h = 1,
    .pad_top = 0,
    .right = 2,
    .in_zero_point = -128,
};

static const tk_96e925dd_conv_2d_s8_winograd2_params wav2small_vgg7_l7_Relu_output_0_params = {
    .tiles.out_w = 13,
    .tiles.in_c = 13,
    .tiles.out_c = 13,
    .tiles.out_min = -128,
    .tiles.out_max = 127,
    .tiles.rectified = 1,
    .tiles.weights = wav2small_weights.vgg7_l7_Relu_output_0_tiles_weights.values,
    .tiles.channels = wav2small_weights.vgg7_l7_Relu_output_0_tiles_channels.values,
    .in_h = 3,
    .in_w = 13,
    .out_h = 1,
    .pad_top = 0,
    .right = 2,
    .in_zero_point = -128,
};

static const tk_2f069725_conv_2d_s8_short_params wav2small_vgg7_sof_Conv_output_0_params = {
    .in_h = 1,
    .in_w = 13,
    .in_c = 13,
    .out_h = 1,
    .out_w = 13,
    .out_c = 13,
    .kernel_h = 1,
    .kernel_w = 1,
    .stride_h = 1,
    .stride_w = 1,
    .dilation_h = 1,
    .dilation_w = 1,
    .pad_top = 0,
    .pad_left = 0,
    .in_zero_point = -128,
    .out_zero_point = -12,
    .out_min = -128,
    .out_max = 127,
    .pairs = 7,
    .threes_words = 132,
    .stream_words = 143,
    .stream = wav2small_weights.vgg7_sof_Conv_output_0_stream.values,
};

static const tk_2f069725_conv_2d_s8_short_params wav2small_vgg7_lin_Conv_output_0_params = {
    .in_h = 1,
    .in_w = 13,
    .in_c = 13,
    .out_h = 1,
    .out_w = 13,
    .out_c = 13,
    .kernel_h = 1,
    .kernel_w = 1,
    .stride_h = 1,
    .stride_w = 1,
    .dilation_h = 1,
    .dilation_w = 1,
    .pad_top = 0,
    .pad_left = 0,
    .in_zero_point = -128,
    .out_zero_point = 10,
    .out_min = -128,
    .out_max = 127,
    .pairs = 7,
    .threes_words = 132,
    .stream_words = 143,
    .stream = wav2small_weights.vgg7_lin_Conv_output_0_stream.values,
};

static const tk_d6a46b48_attention_pool_s8_s16_params wav2small_vgg7_ReduceSum_output_0_params = {
    .frames = 1,
    .values = 169,
    .lin_zero_point = 10,
    .out_zero_point = 0,
    .multiplier = 1778898283,
    .shift = -10,
    .table = wav2small_weights.vgg7_ReduceSum_output_0_table.values,
};

static const tk_a613df82_batch_matmul_s16_params wav2small_MatMul_output_0_params = {
    .batches = 1,
    .rows = 13,
    .depth = 13,
    .columns = 13,
    .x_batch_stride = 0,
    .x_row_stride = 1,
    .x_depth_stride = 13,
    .y_batch_stride = 0,
    .y_column_stride = 1,
    .y_depth_stride = 13,
    .multiplier = 1477977856,
    .shift = -11,
};

static const tk_713a21d0_concatenation_params wav2small_Concat_output_0_params = {
    .blocks = 1,
    .block_bytes = wav2small_weights.Concat_output_0_block_bytes.values,
};

static const tk_38549adb_fully_connected_s16_dsp_params wav2small_adv_int16_params = {
    .batches = 1,
    .inputs = 338,
    .outputs = 3,
    .out_min = -32768,
    .out_max = 32767,
    .weights = wav2small_weights.adv_int16_weights.values,
    .requantize = wav2small_weights.adv_int16_requantize.values,
};

static const tk_bfbd5baa_quantize_s16_s8_params wav2small_adv_params = {
    .count = 3,
    .in_zero_point = 0,
    .out_zero_point = -66,
    .multiplier = 1619345688,
    .shift = -5,
};

/* tk_96e925dd_conv_2d_s8_winograd2 for 2 layers of one shape. */
TK_NOINLINE static void wav2small_shared_1(const tk_96e925dd_conv_2d_s8_winograd2_params *layer, const int8_t *const * a1, int8_t * a2, int8_t * a3, void * a4) {
    const tk_96e925dd_conv_2d_s8_winograd2_params p = {
        .tiles.out_w = 26,
        .tiles.in_c = 13,
        .tiles.out_c = 13,
        .tiles.out_min = -128,
        .tiles.out_max = 127,
        .tiles.rectified = 1,
        .tiles.weights = layer->tiles.weights,
        .tiles.channels = layer->tiles.channels,
        .in_h = 3,
        .in_w = 26,
        .out_h = 1,
        .pad_top = 0,
        .right = 1,
        .in_zero_point = -128,
    };
    tk_96e925dd_conv_2d_s8_winograd2_rows(&p, a1, a2, a3, a4);
}

/* tk_96e925dd_conv_2d_s8_winograd2 for 4 layers of one shape. */
TK_NOINLINE static void wav2small_shared_2(const tk_96e925dd_conv_2d_s8_winograd2_params *layer, const int8_t *const * a1, int8_t * a2, int8_t * a3, void * a4) {
    const tk_96e925dd_conv_2d_s8_winograd2_params p = {
        .tiles.out_w = 13,
        .tiles.in_c = 13,
        .tiles.out_c = 13,
        .tiles.out_min = -128,
        .tiles.out_max = 127,
        .tiles.rectified = 1,
        .tiles.weights = layer->tiles.weights,
        .tiles.channels = layer->tiles.channels,
        .in_h = 3,
        .in_w = 13,
        .out_h = 1,
        .pad_top = 0,
        .right = 2,
        .in_zero_point = -128,
    };
    tk_96e925dd_conv_2d_s8_winograd2_rows(&p, a1, a2, a3, a4);
}

/* conv_2d, windowed: /vgg7/l1/Relu_output_0
 * 3042 MACs a row */
TK_NOINLINE static uint32_t wav2small_vgg7_l1_Relu_output_0_stage(wav2small *m, const uint32_t *total) {
    const tk_563db406_stream_stage *const stage = &wav2small_stages[wav2small_vgg7_l1_Relu_output_0_rows];
    if (!tk_563db406_stream_due(stage, m->rows, total)) {
        return 0;
    }
    const uint32_t end = tk_563db406_stream_end(stage, m->rows, total);
    const int8_t *rows[3];
    for (int32_t k = 0; k < 3; ++k) {
        rows[k] = tk_563db406_stream_tap(stage, m->buffers, wav2small_rings, m->rows, k);
    }
    tk_2f069725_conv_2d_s8_short_row(&wav2small_vgg7_l1_Relu_output_0_params, rows,
        (int8_t *)tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_vgg7_l1_Relu_output_0_rows], m->rows[wav2small_vgg7_l1_Relu_output_0_rows]),
        (void *)(void *)(m->buffers + 0));
    m->rows[wav2small_vgg7_l1_Relu_output_0_rows] = end;
    return 1;
}

/* conv_2d, windowed: /vgg7/l2/Relu_output_0
 * 39546 MACs a row, 2 rows a call */
TK_NOINLINE static uint32_t wav2small_vgg7_l2_Relu_output_0_stage(wav2small *m, const uint32_t *total) {
    const tk_563db406_stream_stage *const stage = &wav2small_stages[wav2small_vgg7_l2_Relu_output_0_rows];
    if (!tk_563db406_stream_due(stage, m->rows, total)) {
        return 0;
    }
    const uint32_t done = m->rows[wav2small_vgg7_l2_Relu_output_0_rows];
    const uint32_t end = tk_563db406_stream_end(stage, m->rows, total);
    const int8_t *rows[4];
    for (int32_t k = 0; k < 4; ++k) {
        rows[k] = tk_563db406_stream_tap(stage, m->buffers, wav2small_rings, m->rows, k);
    }
    wav2small_shared_1(&wav2small_vgg7_l2_Relu_output_0_params, rows,
        (int8_t *)tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_vgg7_l2_Relu_output_0_rows], m->rows[wav2small_vgg7_l2_Relu_output_0_rows]),
        done + 1 < end ? (int8_t *)tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_vgg7_l2_Relu_output_0_rows], done + 1) : NULL,
        (void *)(void *)(m->buffers + 0));
    m->rows[wav2small_vgg7_l2_Relu_output_0_rows] = end;
    return 1;
}

/* conv_2d, windowed: /vgg7/l3/Relu_output_0
 * 39546 MACs a row, 2 rows a call */
TK_NOINLINE static uint32_t wav2small_vgg7_l3_Relu_output_0_stage(wav2small *m, const uint32_t *total) {
    const tk_563db406_stream_stage *const stage = &wav2small_stages[wav2small_vgg7_l3_Relu_output_0_rows];
    if (!tk_563db406_stream_due(stage, m->rows, total)) {
        return 0;
    }
    const uint32_t done = m->rows[wav2small_vgg7_l3_Relu_output_0_rows];
    const uint32_t end = tk_563db406_stream_end(stage, m->rows, total);
    const int8_t *rows[4];
    for (int32_t k = 0; k < 4; ++k) {
        rows[k] = tk_563db406_stream_tap(stage, m->buffers, wav2small_rings, m->rows, k);
    }
    wav2small_shared_1(&wav2small_vgg7_l3_Relu_output_0_params, rows,
        (int8_t *)tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_vgg7_l3_Relu_output_0_rows], m->rows[wav2small_vgg7_l3_Relu_output_0_rows]),
        done + 1 < end ? (int8_t *)tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_vgg7_l3_Relu_output_0_rows], done + 1) : NULL,
        (void *)(void *)(m->buffers + 0));
    m->rows[wav2small_vgg7_l3_Relu_output_0_rows] = end;
    return 1;
}

/* max_pool_2d, windowed: /vgg7/maxpool/MaxPool_output_0
 * 0 MACs a row */
TK_NOINLINE static uint32_t wav2small_vgg7_maxpool_MaxPool_output_0_stage(wav2small *m, const uint32_t *total) {
    const tk_563db406_stream_stage *const stage = &wav2small_stages[wav2small_vgg7_maxpool_MaxPool_output_0_rows];
    if (!tk_563db406_stream_due(stage, m->rows, total)) {
        return 0;
    }
    const uint32_t end = tk_563db406_stream_end(stage, m->rows, total);
    const int8_t *rows[3];
    for (int32_t k = 0; k < 3; ++k) {
        rows[k] = tk_563db406_stream_tap(stage, m->buffers, wav2small_rings, m->rows, k);
    }
    tk_6c960a5e_max_pool_2d_s8_row(&wav2small_vgg7_maxpool_MaxPool_output_0_params, rows,
        (int8_t *)tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_vgg7_maxpool_MaxPool_output_0_rows], m->rows[wav2small_vgg7_maxpool_MaxPool_output_0_rows]));
    m->rows[wav2small_vgg7_maxpool_MaxPool_output_0_rows] = end;
    return 1;
}

/* conv_2d, windowed: /vgg7/l4/Relu_output_0
 * 19773 MACs a row, 2 rows a call */
TK_NOINLINE static uint32_t wav2small_vgg7_l4_Relu_output_0_stage(wav2small *m, const uint32_t *total) {
    const tk_563db406_stream_stage *const stage = &wav2small_stages[wav2small_vgg7_l4_Relu_output_0_rows];
    if (!tk_563db406_stream_due(stage, m->rows, total)) {
        return 0;
    }
    const uint32_t done = m->rows[wav2small_vgg7_l4_Relu_output_0_rows];
    const uint32_t end = tk_563db406_stream_end(stage, m->rows, total);
    const int8_t *rows[4];
    for (int32_t k = 0; k < 4; ++k) {
        rows[k] = tk_563db406_stream_tap(stage, m->buffers, wav2small_rings, m->rows, k);
    }
    wav2small_shared_2(&wav2small_vgg7_l4_Relu_output_0_params, rows,
        (int8_t *)tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_vgg7_l4_Relu_output_0_rows], m->rows[wav2small_vgg7_l4_Relu_output_0_rows]),
        done + 1 < end ? (int8_t *)tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_vgg7_l4_Relu_output_0_rows], done + 1) : NULL,
        (void *)(void *)(m->buffers + 0));
    m->rows[wav2small_vgg7_l4_Relu_output_0_rows] = end;
    return 1;
}

/* conv_2d, windowed: /vgg7/l5/Relu_output_0
 * 19773 MACs a row, 2 rows a call */
TK_NOINLINE static uint32_t wav2small_vgg7_l5_Relu_output_0_stage(wav2small *m, const uint32_t *total) {
    const tk_563db406_stream_stage *const stage = &wav2small_stages[wav2small_vgg7_l5_Relu_output_0_rows];
    if (!tk_563db406_stream_due(stage, m->rows, total)) {
        return 0;
    }
    const uint32_t done = m->rows[wav2small_vgg7_l5_Relu_output_0_rows];
    const uint32_t end = tk_563db406_stream_end(stage, m->rows, total);
    const int8_t *rows[4];
    for (int32_t k = 0; k < 4; ++k) {
        rows[k] = tk_563db406_stream_tap(stage, m->buffers, wav2small_rings, m->rows, k);
    }
    wav2small_shared_2(&wav2small_vgg7_l5_Relu_output_0_params, rows,
        (int8_t *)tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_vgg7_l5_Relu_output_0_rows], m->rows[wav2small_vgg7_l5_Relu_output_0_rows]),
        done + 1 < end ? (int8_t *)tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_vgg7_l5_Relu_output_0_rows], done + 1) : NULL,
        (void *)(void *)(m->buffers + 0));
    m->rows[wav2small_vgg7_l5_Relu_output_0_rows] = end;
    return 1;
}

/* conv_2d, windowed: /vgg7/l6/Relu_output_0
 * 19773 MACs a row, 2 rows a call */
TK_NOINLINE static uint32_t wav2small_vgg7_l6_Relu_output_0_stage(wav2small *m, const uint32_t *total) {
    const tk_563db406_stream_stage *const stage = &wav2small_stages[wav2small_vgg7_l6_Relu_output_0_rows];
    if (!tk_563db406_stream_due(stage, m->rows, total)) {
        return 0;
    }
    const uint32_t done = m->rows[wav2small_vgg7_l6_Relu_output_0_rows];
    const uint32_t end = tk_563db406_stream_end(stage, m->rows, total);
    const int8_t *rows[4];
    for (int32_t k = 0; k < 4; ++k) {
        rows[k] = tk_563db406_stream_tap(stage, m->buffers, wav2small_rings, m->rows, k);
    }
    wav2small_shared_2(&wav2small_vgg7_l6_Relu_output_0_params, rows,
        (int8_t *)tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_vgg7_l6_Relu_output_0_rows], m->rows[wav2small_vgg7_l6_Relu_output_0_rows]),
        done + 1 < end ? (int8_t *)tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_vgg7_l6_Relu_output_0_rows], done + 1) : NULL,
        (void *)(void *)(m->buffers + 0));
    m->rows[wav2small_vgg7_l6_Relu_output_0_rows] = end;
    return 1;
}

/* conv_2d, windowed: /vgg7/l7/Relu_output_0
 * 19773 MACs a row, 2 rows a call */
TK_NOINLINE static uint32_t wav2small_vgg7_l7_Relu_output_0_stage(wav2small *m, const uint32_t *total) {
    const tk_563db406_stream_stage *const stage = &wav2small_stages[wav2small_vgg7_l7_Relu_output_0_rows];
    if (!tk_563db406_stream_due(stage, m->rows, total)) {
        return 0;
    }
    const uint32_t done = m->rows[wav2small_vgg7_l7_Relu_output_0_rows];
    const uint32_t end = tk_563db406_stream_end(stage, m->rows, total);
    const int8_t *rows[4];
    for (int32_t k = 0; k < 4; ++k) {
        rows[k] = tk_563db406_stream_tap(stage, m->buffers, wav2small_rings, m->rows, k);
    }
    wav2small_shared_2(&wav2small_vgg7_l7_Relu_output_0_params, rows,
        (int8_t *)tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_vgg7_l7_Relu_output_0_rows], m->rows[wav2small_vgg7_l7_Relu_output_0_rows]),
        done + 1 < end ? (int8_t *)tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_vgg7_l7_Relu_output_0_rows], done + 1) : NULL,
        (void *)(void *)(m->buffers + 0));
    m->rows[wav2small_vgg7_l7_Relu_output_0_rows] = end;
    return 1;
}

/* conv_2d, windowed: /vgg7/sof/Conv_output_0
 * 2197 MACs a row */
TK_NOINLINE static uint32_t wav2small_vgg7_sof_Conv_output_0_stage(wav2small *m, const uint32_t *total) {
    const tk_563db406_stream_stage *const stage = &wav2small_stages[wav2small_vgg7_sof_Conv_output_0_rows];
    if (!tk_563db406_stream_due(stage, m->rows, total)) {
        return 0;
    }
    const uint32_t end = tk_563db406_stream_end(stage, m->rows, total);
    const int8_t *rows[1];
    for (int32_t k = 0; k < 1; ++k) {
        rows[k] = tk_563db406_stream_tap(stage, m->buffers, wav2small_rings, m->rows, k);
    }
    tk_2f069725_conv_2d_s8_short_row(&wav2small_vgg7_sof_Conv_output_0_params, rows,
        (int8_t *)tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_vgg7_sof_Conv_output_0_rows], m->rows[wav2small_vgg7_sof_Conv_output_0_rows]),
        (void *)(void *)(m->buffers + 344));
    m->rows[wav2small_vgg7_sof_Conv_output_0_rows] = end;
    return 1;
}

/* conv_2d, windowed: /vgg7/lin/Conv_output_0
 * 2197 MACs a row */
TK_NOINLINE static uint32_t wav2small_vgg7_lin_Conv_output_0_stage(wav2small *m, const uint32_t *total) {
    const tk_563db406_stream_stage *const stage = &wav2small_stages[wav2small_vgg7_lin_Conv_output_0_rows];
    if (!tk_563db406_stream_due(stage, m->rows, total)) {
        return 0;
    }
    const uint32_t end = tk_563db406_stream_end(stage, m->rows, total);
    const int8_t *rows[1];
    for (int32_t k = 0; k < 1; ++k) {
        rows[k] = tk_563db406_stream_tap(stage, m->buffers, wav2small_rings, m->rows, k);
    }
    tk_2f069725_conv_2d_s8_short_row(&wav2small_vgg7_lin_Conv_output_0_params, rows,
        (int8_t *)tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_vgg7_lin_Conv_output_0_rows], m->rows[wav2small_vgg7_lin_Conv_output_0_rows]),
        (void *)(void *)(m->buffers + 688));
    m->rows[wav2small_vgg7_lin_Conv_output_0_rows] = end;
    return 1;
}

/* attention_pool, reducing: /vgg7/ReduceSum_output_0
 * 169 MACs a row */
TK_NOINLINE static uint32_t wav2small_vgg7_ReduceSum_output_0_stage(wav2small *m, const uint32_t *total) {
    const tk_563db406_stream_stage *const stage = &wav2small_stages[wav2small_vgg7_ReduceSum_output_0_rows];
    if (!tk_563db406_stream_due(stage, m->rows, total)) {
        return 0;
    }
    const uint32_t end = tk_563db406_stream_end(stage, m->rows, total);
    tk_d6a46b48_attention_pool_s8_s16_accumulate_row(&wav2small_vgg7_ReduceSum_output_0_params,
        (const int8_t *)tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_vgg7_lin_Conv_output_0_rows], m->rows[wav2small_vgg7_ReduceSum_output_0_rows]),
        (const int8_t *)tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_vgg7_sof_Conv_output_0_rows], m->rows[wav2small_vgg7_ReduceSum_output_0_rows]),
        (void *)(void *)(m->buffers + 8256));
    m->rows[wav2small_vgg7_ReduceSum_output_0_rows] = end;
    return 1;
}

/* Lets every stage run, as often as a frame can make it due; returns how many did.  `total` is how
 * many rows each counter will reach in this clip. */
static uint32_t wav2small_advance(wav2small *m, const uint32_t *total) {
    uint32_t ran = 0;
    ran += wav2small_vgg7_l1_Relu_output_0_stage(m, total);
    ran += wav2small_vgg7_l2_Relu_output_0_stage(m, total);
    ran += wav2small_vgg7_l3_Relu_output_0_stage(m, total);
    ran += wav2small_vgg7_maxpool_MaxPool_output_0_stage(m, total);
    ran += wav2small_vgg7_l4_Relu_output_0_stage(m, total);
    ran += wav2small_vgg7_l5_Relu_output_0_stage(m, total);
    ran += wav2small_vgg7_l6_Relu_output_0_stage(m, total);
    ran += wav2small_vgg7_l7_Relu_output_0_stage(m, total);
    ran += wav2small_vgg7_sof_Conv_output_0_stage(m, total);
    ran += wav2small_vgg7_sof_Conv_output_0_stage(m, total);
    ran += wav2small_vgg7_lin_Conv_output_0_stage(m, total);
    ran += wav2small_vgg7_lin_Conv_output_0_stage(m, total);
    ran += wav2small_vgg7_ReduceSum_output_0_stage(m, total);
    ran += wav2small_vgg7_ReduceSum_output_0_stage(m, total);
    return ran;
}

/* End of the reduction /vgg7/ReduceSum_output_0. */
TK_NOINLINE static void wav2small_vgg7_ReduceSum_output_0_finish(wav2small *m) {
    tk_d6a46b48_attention_pool_s8_s16_finish(&wav2small_vgg7_ReduceSum_output_0_params, (const void *)(m->buffers + 8256),
        (int16_t *)(void *)(m->buffers + 680));
}

/* batch_matmul: /MatMul_output_0
 * in   int16_t 1x13x13 at 680, 338 B
 * out  int16_t 1x13x13 at 1024, 338 B
 * 2197 MACs */
TK_NOINLINE static void wav2small_MatMul_output_0_step(wav2small *m) {
    tk_a613df82_batch_matmul_s16(&wav2small_MatMul_output_0_params,
        (const int16_t *)(void *)(m->buffers + 680),
        (const int16_t *)(void *)(m->buffers + 680),
        (int16_t *)(void *)(m->buffers + 1024));
}

/* concatenation: /Concat_output_0
 * in   int16_t 1x13x13 at 680, 338 B
 * in   int16_t 1x13x13 at 1024, 338 B
 * out  int16_t 1x26x13 at 0, 676 B
 * 0 MACs */
TK_NOINLINE static void wav2small_Concat_output_0_step(wav2small *m) {
    tk_713a21d0_concatenation(&wav2small_Concat_output_0_params,
        (const int16_t *)(void *)(m->buffers + 680),
        (const int16_t *)(void *)(m->buffers + 1024),
        (const int16_t *)(void *)(m->buffers + 680),
        (const int16_t *)(void *)(m->buffers + 680),
        (int16_t *)(void *)(m->buffers + 0));
}

/* fully_connected: adv_int16
 * in   int16_t 1x338 at 0, 676 B
 * out  int16_t 1x3 at 680, 6 B
 * 1014 MACs */
TK_NOINLINE static void wav2small_adv_int16_step(wav2small *m) {
    tk_38549adb_fully_connected_s16_dsp(&wav2small_adv_int16_params,
        (const int16_t *)(void *)(m->buffers + 0),
        (int16_t *)(void *)(m->buffers + 680));
}

/* quantize: adv
 * in   int16_t 1x3 at 680, 6 B
 * out  int8_t 1x3 at 0, 3 B
 * 0 MACs */
TK_NOINLINE static void wav2small_adv_step(wav2small *m) {
    tk_bfbd5baa_quantize_s16_s8(&wav2small_adv_params,
        (const int16_t *)(void *)(m->buffers + 680),
        (int8_t *)(void *)(m->buffers + 0));
}

/* What comes of the finished sums. */
static void wav2small_conclude(wav2small *m) {
    wav2small_vgg7_ReduceSum_output_0_finish(m);
    wav2small_MatMul_output_0_step(m);
    wav2small_Concat_output_0_step(m);
    wav2small_adv_int16_step(m);
    wav2small_adv_step(m);
}

/* Makes a row of some layer; 0 when none is due. */
static int wav2small_step_row(wav2small *m) {
    return wav2small_vgg7_l1_Relu_output_0_stage(m, wav2small_endless) != 0 ||
           wav2small_vgg7_l2_Relu_output_0_stage(m, wav2small_endless) != 0 ||
           wav2small_vgg7_l3_Relu_output_0_stage(m, wav2small_endless) != 0 ||
           wav2small_vgg7_maxpool_MaxPool_output_0_stage(m, wav2small_endless) != 0 ||
           wav2small_vgg7_l4_Relu_output_0_stage(m, wav2small_endless) != 0 ||
           wav2small_vgg7_l5_Relu_output_0_stage(m, wav2small_endless) != 0 ||
           wav2small_vgg7_l6_Relu_output_0_stage(m, wav2small_endless) != 0 ||
           wav2small_vgg7_l7_Relu_output_0_stage(m, wav2small_endless) != 0 ||
           wav2small_vgg7_sof_Conv_output_0_stage(m, wav2small_endless) != 0 ||
           wav2small_vgg7_lin_Conv_output_0_stage(m, wav2small_endless) != 0 ||
           wav2small_vgg7_ReduceSum_output_0_stage(m, wav2small_endless) != 0;
}

int wav2small_init(wav2small *m) {
    TK_ASSERT(m != NULL);
    if (!tk_2799adbb_weights_fit(&wav2small_weights.head, WAV2SMALL_WEIGHTS_WORDS, WAV2SMALL_WEIGHTS_LAYOUT)) {
        return WAV2SMALL_WRONG_WEIGHTS;
    }
    wav2small_reset(m);
    return WAV2SMALL_OK;
}
/* The input's row counter once the clip has ended. */
#define ENDED UINT32_MAX

void wav2small_reset(wav2small *m) {
    TK_ASSERT(m != NULL);
    for (uint32_t i = 0; i < ROW_COUNTERS; ++i) {
        m->rows[i] = 0;
    }
    m->waiting = 0;
    tk_d6a46b48_attention_pool_s8_s16_init(&wav2small_vgg7_ReduceSum_output_0_params, (void *)(m->buffers + 8256));
}

int wav2small_status(const wav2small *m, uint32_t more) {
    TK_ASSERT(m != NULL);
    const uint32_t frames = m->rows[wav2small_input_rows];
    if (frames == ENDED) {
        return WAV2SMALL_ENDED;
    }
    if (frames > WAV2SMALL_MAX_FRAMES || more > WAV2SMALL_MAX_FRAMES - frames) {
        return WAV2SMALL_TOO_MANY_FRAMES;
    }
    return frames + more < WAV2SMALL_MIN_FRAMES ? WAV2SMALL_TOO_FEW_FRAMES : WAV2SMALL_OK;
}

/* Why no frame can be taken; WAV2SMALL_OK where one can. */
static int wav2small_refusal(const wav2small *m) {
    return m->rows[wav2small_input_rows] > WAV2SMALL_MAX_FRAMES ? wav2small_status(m, 0) : WAV2SMALL_OK;
}

int wav2small_put_frame(wav2small *m, const int8_t *frame) {
    TK_ASSERT(m != NULL && frame != NULL);
    const int refusal = wav2small_refusal(m);
    if (refusal != WAV2SMALL_OK || m->waiting) {
        return refusal != WAV2SMALL_OK ? refusal : WAV2SMALL_BUSY;
    }
    TK_COPY(tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_input_rows], m->rows[wav2small_input_rows]), frame, WAV2SMALL_FRAME_BYTES);
    m->rows[wav2small_input_rows]++;
    m->waiting = 1;
    return WAV2SMALL_OK;
}

int wav2small_step(wav2small *m) {
    TK_ASSERT(m != NULL);
    m->waiting = m->waiting && wav2small_step_row(m);
    return (int)m->waiting;
}

int wav2small_push_frame(wav2small *m, const int8_t *frame) {
    TK_ASSERT(m != NULL && frame != NULL);
    const int refusal = wav2small_refusal(m);
    if (refusal != WAV2SMALL_OK) {
        return refusal;
    }
    while (wav2small_step(m) != 0) {
    }
    TK_COPY(tk_563db406_stream_row(m->buffers, &wav2small_rings[wav2small_input_rows], m->rows[wav2small_input_rows]), frame, WAV2SMALL_FRAME_BYTES);
    m->rows[wav2small_input_rows]++;
    (void)wav2small_advance(m, wav2small_endless);
    return WAV2SMALL_OK;
}

int wav2small_finish(wav2small *m) {
    TK_ASSERT(m != NULL);
    const uint32_t frames = m->rows[wav2small_input_rows];
    const int status = wav2small_status(m, 0);
    if (status != WAV2SMALL_OK) {
        return status == WAV2SMALL_ENDED ? WAV2SMALL_OK : status;
    }
    const uint32_t total[ROW_COUNTERS] = {
        [wav2small_input_rows] = frames,
        [wav2small_vgg7_l1_Relu_output_0_rows] = (frames + 0u) / 1u,
        [wav2small_vgg7_l2_Relu_output_0_rows] = (frames + 0u) / 1u,
        [wav2small_vgg7_l3_Relu_output_0_rows] = (frames + 0u) / 1u,
        [wav2small_vgg7_maxpool_MaxPool_output_0_rows] = (frames + 1u) / 2u,
        [wav2small_vgg7_l4_Relu_output_0_rows] = (frames + 1u) / 2u,
        [wav2small_vgg7_l5_Relu_output_0_rows] = (frames + 1u) / 2u,
        [wav2small_vgg7_l6_Relu_output_0_rows] = (frames + 1u) / 2u,
        [wav2small_vgg7_l7_Relu_output_0_rows] = (frames + 1u) / 2u,
        [wav2small_vgg7_sof_Conv_output_0_rows] = (frames + 1u) / 2u,
        [wav2small_vgg7_lin_Conv_output_0_rows] = (frames + 1u) / 2u,
        [wav2small_vgg7_ReduceSum_output_0_rows] = (frames + 1u) / 2u,
    };
    while (wav2small_step(m) != 0) {
    }
    while (wav2small_advance(m, total) != 0) {
    }
    wav2small_conclude(m);
    m->rows[wav2small_input_rows] = ENDED;
    return WAV2SMALL_OK;
}

const void *wav2small_output(const wav2small *m, uint32_t index) {
    TK_ASSERT(m != NULL && index < WAV2SMALL_OUTPUTS);
    return index < WAV2SMALL_OUTPUTS ? m->buffers + wav2small_output_offset[index] : NULL;
}
