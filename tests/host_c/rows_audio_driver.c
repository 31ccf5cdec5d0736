/* Pushes the samples of stdin in blocks and writes what comes: every row behind the number of its
 * output, 0xff and whether another way to end was refused, then the outputs without time.
 * usage: rows_audio_driver FORM BLOCK, FORM one of s16, q31, f32, put (in pieces), lazy (rows are
 * taken only when a push is refused), 48000 */
#include "network_audio.h"
#include "network_resampled.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES_MAX = 1 << 16, REFUSED = 10 };

static int16_t samples[SAMPLES_MAX];
static int32_t q31[SAMPLES_MAX];
static float f32[SAMPLES_MAX];
static network_resampled r;

static void take(void) {
    network *const m = &r.audio.model;
    for (uint32_t output = 0; output < NETWORK_OUTPUTS; output++) {
        const void *row;
        while ((row = network_take_row(m, output)) != NULL) {
            putchar((int)output);
            fwrite(row, 1, network_output_bytes[output], stdout);
        }
    }
}

static int push(const char *form, size_t *at, size_t *count) {
    const int16_t *s16 = samples + *at;
    const int32_t *next_q31 = q31 + *at;
    const float *next_f32 = f32 + *at;
    const size_t before = *count;
    int status;
    if (strcmp(form, "q31") == 0) {
        status = network_push_audio_q31(&r.audio, &next_q31, count);
    } else if (strcmp(form, "f32") == 0) {
        status = network_push_audio_f32(&r.audio, &next_f32, count);
    } else if (strcmp(form, "put") == 0) {
        status = network_put_audio(&r.audio, &s16, count);
        while (status == NETWORK_OK && network_step(&r.audio.model) != 0) {
        }
    } else if (strcmp(form, "48000") == 0) {
        status = network_resampled_push_s16(&r, &s16, count);
    } else {
        status = network_push_audio(&r.audio, &s16, count);
    }
    *at += before - *count;
    return status;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        return 2;
    }
    const char *form = argv[1];
    const int lazy = strcmp(form, "lazy") == 0, other = strcmp(form, "48000") == 0;
    const size_t block = (size_t)atoi(argv[2]);
    const size_t total = fread(samples, sizeof samples[0], SAMPLES_MAX, stdin);
    for (size_t i = 0; i < total; i++) {
        q31[i] = samples[i] * 65536;
        f32[i] = (float)samples[i] / 32768.0F;
    }
    if ((other ? network_resampled_init_48000(&r) : network_audio_init(&r.audio)) != NETWORK_OK) {
        return 3;
    }
    for (size_t at = 0; at < total;) {
        size_t count = total - at < block ? total - at : block;
        while (count > 0) {
            int status = push(form, &at, &count);
            if (status == NETWORK_UNREAD) {
                take();
                status = push(form, &at, &count);
            }
            if (status != NETWORK_OK) {
                return 4;
            }
            if (!lazy) {
                take();
            }
        }
    }
    int status;
    do {
        status = other ? network_resampled_finish(&r) : network_audio_finish(&r.audio);
        take();
    } while (status == NETWORK_UNREAD);
    size_t at = 0, count = 1;
    if (status != NETWORK_OK || push(form, &at, &count) != NETWORK_ENDED ||
        network_audio_finish(&r.audio) != NETWORK_OK ||
        network_audio_status(&r.audio, 0) != NETWORK_ENDED) {
        return REFUSED;
    }
    putchar(0xff);
    for (uint32_t output = 0; output < NETWORK_OUTPUTS; output++) {
        const void *data = network_output(&r.audio.model, output);
        if (data != NULL) {
            fwrite(data, 1, network_output_bytes[output], stdout);
        }
    }
    return 0;
}
