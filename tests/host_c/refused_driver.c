/* Clips of 0, STEP, 2 STEP ... samples of stdin, each pushed in two blocks.  Writes for every one
 * the results of both pushes and of the finish.  Exits with another code than 0 where a call that
 * failed changed anything, or a clip that ended too early does not go on as if never ended, or
 * outputs are not those of all features and one call of the model. usage: refused_driver RATE_HZ
 * STEP WHOLE (rate 0: the model's own; WHOLE samples are a clip) */
#include "network_features.h"
#include "network_resampled.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES_MAX = 1 << 16, NO_CLIP = 10, PUSHED, FINISHED, ENDED_PUSH, ENDED_FINISH, GOES_ON };
enum { OUTPUTS = 20 };

static int16_t samples[SAMPLES_MAX + NETWORK_FEATURES_PADDING_SAMPLES];
static network_resampled r, before;
static int rate_hz;
static uint8_t whole_outputs[64], outputs[64];

static void begin(void) {
    if (rate_hz == 0) {
        network_audio_init(&r.audio);
    } else if (rate_hz == 48000) {
        network_resampled_init_48000(&r);
    } else {
        network_resampled_init_44100(&r);
    }
}

static int push(const int16_t *from, size_t count) {
    memcpy(&before, &r, sizeof r);
    return rate_hz == 0 ? network_push_audio(&r.audio, from, count)
                        : network_resampled_push_s16(&r, from, count);
}

static int finish(void) {
    memcpy(&before, &r, sizeof r);
    return rate_hz == 0 ? network_audio_finish(&r.audio) : network_resampled_finish(&r);
}

static void unless(int is_right, int failure) {
    if (!is_right) {
        exit(failure);
    }
}

static int is_unchanged(void) {
    return memcmp(&r, &before, sizeof r) == 0;
}

static void take(const network *m, uint8_t *to) {
    memcpy(to, network_output(m, 0), network_output_bytes[0]);
}

#ifdef NETWORK_STREAM

static void check_outputs(size_t count) {
    (void)count;
}

#else

/* The features of all samples, then the model. */
static void check_outputs(size_t count) {
    static network_features_state features;
    static network m;
    static const int16_t zeros[NETWORK_FEATURES_PADDING_SAMPLES + 1u];
    uint8_t expected[64];
    int8_t *row = network_input(&m, 0);
    if (rate_hz != 0) {
        return;
    }
    network_features_init(&features);
    row += network_features_push(&features, samples, count, row) * NETWORK_FEATURES_ROW_VALUES;
    network_features_push(&features, zeros, NETWORK_FEATURES_PADDING_SAMPLES, row);
    network_invoke(&m);
    take(&m, expected);
    unless(memcmp(expected, outputs, network_output_bytes[0]) == 0, OUTPUTS);
}

#endif

static int push_block(size_t at, size_t count, size_t *accepted) {
    const int status = push(samples + at, count);
    unless(status == NETWORK_OK || is_unchanged(), PUSHED);
    *accepted += status == NETWORK_OK ? count : 0;
    return status;
}

static void run(size_t count, size_t whole) {
    size_t accepted = 0;
    begin();
    const int first = push_block(0, count / 3, &accepted);
    const int second = push_block(count / 3, count - count / 3, &accepted);
    const int end = finish();
    if (end == NETWORK_OK) {
        take(&r.audio.model, outputs);
        check_outputs(accepted);
        unless(push(samples, 1) == NETWORK_ENDED && is_unchanged(), ENDED_PUSH);
        unless(finish() == NETWORK_OK && is_unchanged(), ENDED_FINISH);
    } else {
        unless(is_unchanged(), FINISHED);
        if (accepted == count) {
            unless(push(samples + count, whole - count) == NETWORK_OK, GOES_ON);
            unless(finish() == NETWORK_OK, GOES_ON);
            take(&r.audio.model, outputs);
            unless(memcmp(outputs, whole_outputs, network_output_bytes[0]) == 0, GOES_ON);
        }
    }
    printf("%d%d%d\n", first, second, end);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        return 2;
    }
    const size_t total = fread(samples, sizeof samples[0], SAMPLES_MAX, stdin);
    const size_t step = (size_t)atoi(argv[2]), whole = (size_t)atoi(argv[3]);
    rate_hz = atoi(argv[1]);
    begin();
    unless(push(samples, whole) == NETWORK_OK && finish() == NETWORK_OK, NO_CLIP);
    take(&r.audio.model, whole_outputs);
    for (size_t count = 0; count <= total; count += step) {
        run(count, whole);
    }
    return 0;
}
