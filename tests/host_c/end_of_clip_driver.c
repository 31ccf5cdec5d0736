/* Ends a clip after 0, STEP, 2 STEP ... samples of stdin, and writes for every such end
 *     u32 rows of features, u8 result of network_audio_finish,
 *     the rows of the clip so far, by the features alone,
 *     the outputs: of the clip so far where it could end, else of all samples, pushed after it.
 * Exits with another code than 0 where a call that has no effect had one.
 * usage: end_of_clip_driver STEP */
#include "network_audio.h"
#include "network_features.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES_MAX = 1 << 16, REFUSED = 10, ENDED_PUSH, ENDED_FINISH, GOES_ON, OUTPUTS };

static int16_t samples[SAMPLES_MAX];
static int8_t rows[(SAMPLES_MAX / NETWORK_FEATURES_HOP_SAMPLES + 2u) * NETWORK_FEATURES_ROW_VALUES];
static network_audio a, before;
static uint8_t outputs[64], again[64];

static void begin(size_t whole) {
    network_audio_reset(&a);
#ifdef NETWORK_FEATURES_NEEDS_CLIP
    network_audio_set_level(&a, samples, whole);
#else
    (void)whole;
#endif
}

static size_t take(uint8_t *to) {
    size_t size = 0;
    for (uint32_t index = 0; index < NETWORK_OUTPUTS; index++) {
        memcpy(to + size, network_output(&a.model, index), network_output_bytes[index]);
        size += network_output_bytes[index];
    }
    return size;
}

static void unchanged(int failure) {
    if (memcmp(&a, &before, sizeof a) != 0) {
        exit(failure);
    }
}

/* The rows of the first `count` samples, pushed whole, and of their end. */
static uint32_t network_features_of(size_t count) {
    static network_features_state features;
#ifdef NETWORK_FEATURES_MIRRORED
    const size_t least = NETWORK_FEATURES_PADDING_SAMPLES; /* up to there nothing is mirrored */
#else
    const size_t least = 0;
#endif
    if (count <= least) {
        return 0;
    }
    network_features_init(&features);
#ifdef NETWORK_FEATURES_NEEDS_CLIP
    network_features_set_level(&features, samples, count);
#endif
    size_t done = network_features_push(&features, samples, count, rows);
#if NETWORK_FEATURES_END_STEPS > 0
    for (uint32_t k = 0; k < NETWORK_FEATURES_END_STEPS; k++) {
        done += network_features_end(&features, k, rows + done * NETWORK_FEATURES_ROW_VALUES);
    }
#endif
    return (uint32_t)done;
}

/* The clip has ended: nothing but a reset changes anything. */
static void ended(size_t size, size_t total) {
    before = a;
    if (network_push_audio(&a, samples, total) != NETWORK_ENDED ||
        network_push_audio(&a, samples, 0) != NETWORK_ENDED ||
        network_push_frame(&a.model, rows) != NETWORK_ENDED) {
        exit(ENDED_PUSH);
    }
    unchanged(ENDED_PUSH);
    if (network_audio_finish(&a) != NETWORK_OK || network_finish(&a.model) != NETWORK_OK) {
        exit(ENDED_FINISH);
    }
    unchanged(ENDED_FINISH);
    take(again);
    if (memcmp(outputs, again, size) != 0) {
        exit(OUTPUTS);
    }
}

/* An end that was refused leaves the clip as it is: it goes on, and ends as if never asked to. */
static void go_on(size_t count, size_t total, int result) {
    unchanged(REFUSED);
    begin(total);
    if (network_push_audio(&a, samples, count) != NETWORK_OK) {
        exit(GOES_ON);
    }
    before = a;
    if (network_audio_finish(&a) != result || network_audio_finish(&a) != result) {
        exit(REFUSED);
    }
    unchanged(REFUSED);
    if (network_push_audio(&a, samples + count, total - count) != NETWORK_OK ||
        network_audio_finish(&a) != NETWORK_OK) {
        exit(GOES_ON);
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        return 2;
    }
    const size_t total = fread(samples, sizeof samples[0], SAMPLES_MAX, stdin);
    const size_t step = (size_t)atoi(argv[1]);
    network_audio_init(&a);
    for (size_t count = 0; count <= total; count += step) {
        begin(count);
        if (network_push_audio(&a, samples, count) != NETWORK_OK) {
            return GOES_ON;
        }
        before = a;
        const int result = network_audio_finish(&a);
        if (result != NETWORK_OK) {
            go_on(count, total, result);
        }
        const size_t size = take(outputs);
        ended(size, total);
        const uint32_t made = network_features_of(count);
        const uint8_t code = (uint8_t)result;
        fwrite(&made, sizeof made, 1, stdout);
        fwrite(&code, 1, 1, stdout);
        fwrite(rows, 1, made * NETWORK_FEATURES_ROW_VALUES, stdout);
        fwrite(outputs, 1, size, stdout);
    }
    return 0;
}
