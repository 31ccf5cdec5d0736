/* Test harness: runs the model on every case of input.bin and writes output.bin.
 *
 * It knows nothing of the model but model.h (and features.h with -DHARNESS_FEATURES=1), so the
 * same file serves every model, on the target core and on a workstation. All numbers are little
 * endian.
 *
 * input.bin:  u32 'TKIN', u32 mode, u32 n_cases; per case
 *             mode 0 (tensors): the bytes of every model input, in order
 *             mode 1 (audio):   u32 n_samples, int16 samples
 * output.bin: u32 'TKOU', u32 n_cases; per case
 *             mode 1 only: u32 n_rows, n_rows * FEATURES_ROW_VALUES int8 (what the model was fed)
 *             the bytes of every model output, in order
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

enum { MODE_TENSORS = 0, MODE_AUDIO = 1 };

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

static void read_tensors(void) {
    for (uint32_t index = 0; index < MODEL_INPUTS; index++) {
        tk_io_read(model_input(&instance, index), model_input_bytes[index]);
    }
}

#if HARNESS_FEATURES

#define CLIP_SAMPLES_MAX (4u * 1024u * 1024u)
#define ROW_BYTES_MAX (6u * 1024u * 1024u)

static features_state features;
TK_HARNESS static int16_t clip[CLIP_SAMPLES_MAX];
TK_HARNESS static int8_t rows[ROW_BYTES_MAX];

static void read_audio(void) {
    const uint32_t samples = read_u32();
    require(samples <= CLIP_SAMPLES_MAX, "harness: clip is longer than the clip buffer\n");
    require((samples / FEATURES_HOP_SAMPLES + 1u) <= ROW_BYTES_MAX / FEATURES_ROW_VALUES,
            "harness: clip has more feature rows than the row buffer\n");
    tk_io_read(clip, samples * sizeof clip[0]);

    tk_phase_features();
    features_init(&features);
#ifdef FEATURES_LEVEL_CLIP
    features_set_level(&features, clip, samples);
#endif
    const size_t n_rows = features_push(&features, clip, samples, rows);
    tk_phase_other();

    const size_t size = n_rows * FEATURES_ROW_VALUES;
    require(size == model_input_bytes[0], "harness: clip does not fill the model input exactly\n");
    write_u32((uint32_t)n_rows);
    tk_io_write(rows, size);
    int8_t *input = model_input(&instance, 0);
    for (size_t i = 0; i < size; i++) {
        input[i] = rows[i];
    }
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
    require(mode == MODE_TENSORS || mode == MODE_AUDIO, "harness: input.bin has no known mode\n");
    const uint32_t cases = read_u32();
    write_u32(OUTPUT_MAGIC);
    write_u32(cases);
    for (uint32_t index = 0; index < cases; index++) {
        if (mode == MODE_AUDIO) {
            read_audio();
        } else {
            read_tensors();
        }
        tk_phase_model();
        model_invoke(&instance);
        tk_phase_other();
        for (uint32_t output = 0; output < MODEL_OUTPUTS; output++) {
            tk_io_write(model_output(&instance, output), model_output_bytes[output]);
        }
    }
    write_u32(tk_io_stack_painted_bytes());
    tk_io_exit(TK_EXIT_OK);
    return 0;
}
