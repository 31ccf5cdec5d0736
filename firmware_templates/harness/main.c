/* SPDX-License-Identifier: Apache-2.0 */
/* Test harness: runs the model on every case of input.bin and writes output.bin.
 *
 * It knows nothing of the model but model.h (and features.h with -DHARNESS_FEATURES=1), so the
 * same file serves every model, on the target core and on a workstation. All numbers are little
 * endian.
 *
 * input.bin:  u32 'TKIN', u32 mode, u32 n_cases; per case
 *             mode 0 (tensors): the bytes of every model input, in order
 *             mode 1 (audio):   u32 n_samples, int16 samples
 *             mode 2 (frames):  u32 n_frames, n_frames * MODEL_FRAME_BYTES
 *             mode 3 (steps):   u32 n_steps; a step the bytes of every model input, in order
 *             mode 0 is for batch models, mode 2 for streamed ones (MODEL_STREAM in model.h),
 *             mode 3 for those that run step by step (MODEL_STEPS in model.h)
 * output.bin: u32 'TKOU', u32 n_cases; per case
 *             MODEL_ROWS in model.h only: rows as frames give them, each u32 1 + output, then its
 *             bytes; u32 0
 *             mode 1 only: u32 n_rows, n_rows * FEATURES_ROW_VALUES int8 (what the model was fed)
 *             MODEL_ROWS only: rows as the end of the clip gives them; u32 0; u32 how many calls of
 *             model_finish it took
 *             MODEL_CONTINUOUS in model.h only: u32 n_hops that gave outputs; what follows, a hop
 *             MODEL_STEPS in model.h only: u32 n_steps; what follows, a step
 *             the bytes of every model output, in order, but for those with time (MODEL_ROWS)
 *             at the end: u32 most stack used, in bytes (0 on a workstation)
 */
#include "model.h"
#include "tk_io.h"

#ifndef HARNESS_FEATURES
#define HARNESS_FEATURES 0
#endif

#if HARNESS_FEATURES
#include "features.h"
#endif

#define INPUT_MAGIC 0x4E494B54u
#define OUTPUT_MAGIC 0x554F4B54u

enum { MODE_TENSORS = 0, MODE_AUDIO = 1, MODE_FRAMES = 2, MODE_STEPS = 3 };

/* The simulator counts instructions apart for what runs between calls of these functions; it
 * finds them by name. Each body differs, so that no linker folds them into one. */
#define PHASE_MARKER(name, number)                                                                 \
    void name(void);                                                                               \
    __attribute__((noinline, used)) void name(void) {                                              \
        __asm__ volatile("" ::"r"(number) : "memory");                                             \
    }
PHASE_MARKER(tk_phase_other, 1)
PHASE_MARKER(tk_phase_features, 2)
PHASE_MARKER(tk_phase_model, 3)

static model instance;

static void require(int condition, const char *message) {
    if (!condition) {
        tk_io_print(message);
        tk_io_exit(TK_EXIT_PROTOCOL);
    }
}

static uint32_t read_u32(void) {
    uint32_t value;
    tk_io_read(&value, sizeof value);
    return value;
}

static void write_u32(uint32_t value) {
    tk_io_write(&value, sizeof value);
}

#ifdef MODEL_ROWS

/* Writes the rows that are ready. */
static void write_rows(void) {
    for (uint32_t output = 0; output < MODEL_OUTPUTS; output++) {
        const void *row;
        while ((row = model_take_row(&instance, output)) != NULL) {
            write_u32(output + 1u);
            tk_io_write(row, model_output_bytes[output]);
        }
    }
}

static void write_outputs(void) {
    for (uint32_t index = 0; index < MODEL_OUTPUTS; index++) {
        const void *output = model_output(&instance, index);
        if (output != NULL) {
            tk_io_write(output, model_output_bytes[index]);
        }
    }
}

#elif !defined(MODEL_CONTINUOUS)

static void write_outputs(void) {
    for (uint32_t output = 0; output < MODEL_OUTPUTS; output++) {
        tk_io_write(model_output(&instance, output), model_output_bytes[output]);
    }
}

#endif

#ifdef MODEL_STREAM

#define MODE_OWN MODE_FRAMES

#ifdef MODEL_INPUTS

/* A frame is a row of every input, one behind the other. */
static int push_frame(const uint8_t *frame) {
    const void *rows[MODEL_INPUTS];
    for (uint32_t input = 0; input < MODEL_INPUTS; input++) {
        rows[input] = frame;
        frame += model_frame_bytes[input];
    }
    return model_push_frame(&instance, rows);
}

#else
#define push_frame(frame) model_push_frame(&instance, frame)
#endif

#ifdef MODEL_CONTINUOUS

#define RECORD_BYTES_MAX (1024u * 1024u)

/* Outputs of the case, hop after hop. */
TK_HARNESS static uint8_t record[RECORD_BYTES_MAX];
TK_HARNESS static uint32_t record_bytes, record_hops;

static void push(const void *frame) {
    tk_phase_model();
    const int ready = push_frame(frame);
    tk_phase_other();
    for (uint32_t index = 0; ready && index < MODEL_OUTPUTS; index++) {
        const uint32_t size = model_output_bytes[index];
        require(size <= RECORD_BYTES_MAX - record_bytes, "harness: more outputs than it records\n");
        __builtin_memcpy(record + record_bytes, model_output(&instance, index), size);
        record_bytes += size;
    }
    record_hops += (uint32_t)ready;
}

static void run(void) {
    write_u32(record_hops);
    tk_io_write(record, record_bytes);
    record_hops = record_bytes = 0;
}

#elif defined(MODEL_ROWS)

static void push(const void *frame) {
    tk_phase_model();
    const int result = push_frame(frame);
    tk_phase_other();
    require(result == MODEL_OK, "harness: a frame was not taken\n");
    write_rows();
}

static void run(void) {
    uint32_t calls = 0;
    int result;
    do {
        tk_phase_model();
        result = model_finish(&instance);
        tk_phase_other();
        write_rows();
        calls++;
    } while (result == MODEL_UNREAD);
    require(result == MODEL_OK, "harness: the clip has too few or too many frames\n");
    write_u32(0);
    write_u32(calls);
    write_outputs();
}

#else

static void push(const void *frame) {
    tk_phase_model();
    push_frame(frame);
    tk_phase_other();
}

static void run(void) {
    tk_phase_model();
    const int result = model_finish(&instance);
    tk_phase_other();
    require(result == MODEL_OK, "harness: the clip has too few or too many frames\n");
    write_outputs();
}

#endif

/* What was written of the frames ends here, where the model gives rows. */
static void end_of_frames(void) {
#ifdef MODEL_ROWS
    write_u32(0);
#endif
}

static void read_own(void) {
    TK_HARNESS static uint8_t frame[MODEL_FRAME_BYTES] __attribute__((aligned(8)));
    for (uint32_t left = read_u32(); left > 0; left--) {
        tk_io_read(frame, sizeof frame);
        push(frame);
    }
    end_of_frames();
}

#else

static void read_inputs(void) {
    for (uint32_t index = 0; index < MODEL_INPUTS; index++) {
        tk_io_read(model_input(&instance, index), model_input_bytes[index]);
    }
}

static void run_once(void) {
    tk_phase_model();
    model_invoke(&instance);
    tk_phase_other();
    write_outputs();
}

#ifdef MODEL_STEPS

#define MODE_OWN MODE_STEPS

/* Steps of the case, and their features: none where input.bin has their inputs. */
TK_HARNESS static uint32_t steps;
TK_HARNESS static const int8_t *step_rows;

static void read_own(void) {
    steps = read_u32();
    step_rows = NULL;
}

static void run(void) {
    write_u32(steps);
    for (uint32_t left = steps; left > 0; left--) {
        if (step_rows == NULL) {
            read_inputs();
        } else {
            __builtin_memcpy(model_input(&instance, 0), step_rows, model_input_bytes[0]);
            step_rows += model_input_bytes[0];
        }
        run_once();
    }
}

#else

#define MODE_OWN MODE_TENSORS

static void read_own(void) {
    read_inputs();
}

static void run(void) {
    run_once();
}

#endif
#endif

#if HARNESS_FEATURES

#define CLIP_SAMPLES_MAX (4u * 1024u * 1024u)
#define ROW_BYTES_MAX (6u * 1024u * 1024u)

static features_state features;
TK_HARNESS static int16_t clip[CLIP_SAMPLES_MAX];
TK_HARNESS static int8_t rows[ROW_BYTES_MAX];

#ifdef MODEL_STREAM

typedef char frame_is_a_row[MODEL_FRAME_BYTES == FEATURES_ROW_VALUES ? 1 : -1];

/* From samples to pushed frames, hop by hop; returns how many there were. */
static size_t feed(uint32_t samples) {
    size_t done = 0;
    for (uint32_t at = 0; at < samples; at += FEATURES_HOP_SAMPLES) {
        const uint32_t left = samples - at;
        const uint32_t count = left < FEATURES_HOP_SAMPLES ? left : FEATURES_HOP_SAMPLES;
        int8_t *row = rows + done * FEATURES_ROW_VALUES;
        tk_phase_features();
        const size_t completed = features_push(&features, clip + at, count, row);
        tk_phase_other();
        if (completed != 0) {
            push(row);
        }
        done += completed;
    }
#if FEATURES_END_STEPS > 0
    for (uint32_t k = 0; k < FEATURES_END_STEPS; k++) {
        int8_t *row = rows + done * FEATURES_ROW_VALUES;
        tk_phase_features();
        const size_t completed = features_end(&features, k, row);
        tk_phase_other();
        if (completed != 0) {
            push(row);
        }
        done += completed;
    }
#endif
    end_of_frames();
    return done;
}

#elif defined MODEL_STEPS

/* From samples to the features of every step; returns the number of rows, of which those that fill
 * no step are left out. */
static size_t feed(uint32_t samples) {
    size_t n_rows = features_push(&features, clip, samples, rows);
#if FEATURES_TAIL_SAMPLES + FEATURES_END_ROWS > 0
    for (uint32_t k = 0; k < FEATURES_END_STEPS; k++) {
        n_rows += features_end(&features, k, rows + n_rows * FEATURES_ROW_VALUES);
    }
#endif
    tk_phase_other();
    steps = (uint32_t)(n_rows * FEATURES_ROW_VALUES / model_input_bytes[0]);
    step_rows = rows;
    return n_rows;
}

#else

/* From samples to the model's input; returns the number of feature rows. */
static size_t feed(uint32_t samples) {
    size_t n_rows = features_push(&features, clip, samples, rows);
#if FEATURES_END_STEPS > 0
    for (uint32_t k = 0; k < FEATURES_END_STEPS; k++) {
        n_rows += features_end(&features, k, rows + n_rows * FEATURES_ROW_VALUES);
    }
#endif
    tk_phase_other();
    const size_t size = n_rows * FEATURES_ROW_VALUES;
    require(size == model_input_bytes[0], "harness: clip does not fill the model input exactly\n");
    int8_t *input = model_input(&instance, 0);
    for (size_t i = 0; i < size; i++) {
        input[i] = rows[i];
    }
    return n_rows;
}

#endif

static void read_audio(void) {
    const uint32_t samples = read_u32();
    require(samples <= CLIP_SAMPLES_MAX, "harness: clip is longer than the clip buffer\n");
    require((samples + FEATURES_TAIL_SAMPLES) / FEATURES_HOP_SAMPLES + FEATURES_END_ROWS + 2u <=
                ROW_BYTES_MAX / FEATURES_ROW_VALUES,
            "harness: clip has more feature rows than the row buffer\n");
    tk_io_read(clip, samples * sizeof clip[0]);

    tk_phase_features();
    features_init(&features);
#ifdef FEATURES_NEEDS_CLIP
    features_set_level(&features, clip, samples);
#endif
    const size_t size = feed(samples) * FEATURES_ROW_VALUES;
    write_u32((uint32_t)(size / FEATURES_ROW_VALUES));
    tk_io_write(rows, size);
}

#else

static void read_audio(void) {
    tk_phase_features(); /* the simulator expects every marker in every firmware */
    require(0, "harness: built without features, cannot take audio\n");
}

#endif

int main(void) {
    tk_phase_other();
    tk_io_open();
    require(read_u32() == INPUT_MAGIC, "harness: input.bin has the wrong magic number\n");
    const uint32_t mode = read_u32();
    require(mode == MODE_OWN || mode == MODE_AUDIO,
            "harness: input.bin has no mode of this model's schedule\n");
    const uint32_t cases = read_u32();
    write_u32(OUTPUT_MAGIC);
    write_u32(cases);
    for (uint32_t index = 0; index < cases; index++) {
        require(model_init(&instance) == MODEL_OK, "harness: the weights are damaged\n");
#ifdef MODEL_ROWS
        write_rows(); /* of the padding before the first frame */
#endif
        if (mode == MODE_AUDIO) {
            read_audio();
        } else {
            read_own();
        }
        run();
    }
    write_u32(tk_io_stack_painted_bytes());
    tk_io_exit(TK_EXIT_OK);
    return 0;
}
