/* Feeds int16 samples from stdin to the generated features in chunks; writes the rows to stdout.
 * usage: features_driver CHUNK_SAMPLES (0: all at once) */
#include "features.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    static int16_t samples[1u << 22];
    static features_state state;
    if (argc != 2) {
        return 2;
    }
    const size_t total = fread(samples, sizeof samples[0], 1u << 22, stdin);
    const size_t chunk = argv[1][0] == '0' ? total + 1 : (size_t)atoi(argv[1]);
    int8_t *rows = malloc((chunk / FEATURES_HOP_SAMPLES + 1) * FEATURES_ROW_VALUES);
    if (rows == NULL) {
        return 3;
    }
    features_init(&state);
#ifdef FEATURES_NEEDS_CLIP
    features_set_level(&state, samples, total);
#endif
    for (size_t start = 0; start < total; start += chunk) {
        const size_t left = total - start;
        const size_t count =
            features_push(&state, &samples[start], left < chunk ? left : chunk, rows);
        fwrite(rows, FEATURES_ROW_VALUES, count, stdout);
    }
#if FEATURES_END_STEPS > 0
    for (uint32_t k = 0; k < FEATURES_END_STEPS; k++) {
        fwrite(rows, FEATURES_ROW_VALUES, features_end(&state, k, rows), stdout);
    }
#endif
    free(rows);
    return 0;
}
